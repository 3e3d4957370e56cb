"""Where Prefect's server keeps what it knows: a file, or a PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from schemas.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# What Prefect reads: the name of its documentation, and the one before it. There may be a password in it.
DATABASE = ("PREFECT_SERVER_DATABASE_CONNECTION_URL", "PREFECT_API_DATABASE_CONNECTION_URL")
_POSTGRESQL = {"postgresql", "postgres", "postgresql+asyncpg"}
_SQLITE = "sqlite+aiosqlite"


def database_of(asked: str, environment: Mapping[str, str], home: Path) -> tuple[dict[str, str], str]:
    """Return what the server alone is told of its database, and where that is, without its password.

    Parameters
    ----------
    asked : str
        An address; empty for what the environment says, or else a file in `home`.
    environment : mapping
    home : Path

    Raises
    ------
    InvalidParameter
        If it is not an address of a PostgreSQL.
    """
    url = asked or next((environment[name] for name in DATABASE if environment.get(name)), "")
    if not url:
        return {}, f"in {home}"
    scheme, colon, rest = url.partition("://")
    if scheme == _SQLITE and not asked:
        return {DATABASE[0]: url}, rest.lstrip("/")
    try:
        parts = urlsplit(f"postgresql://{rest}")
        place = f"{parts.hostname or 'a socket'}{f':{parts.port}' if parts.port else ''}{parts.path}"
    except ValueError:
        scheme = ""
    if scheme not in _POSTGRESQL or not colon:
        # Not the address itself: there may be a password in it.
        message = "--database: write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, and the database has to be there"
        raise InvalidParameter(message)
    return {DATABASE[0]: f"postgresql+asyncpg://{rest}"}, f"the PostgreSQL {place}"
