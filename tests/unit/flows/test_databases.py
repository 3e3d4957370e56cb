"""Where Prefect's server keeps what it knows; its password is shown to nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.databases import DATABASE, database_of
from schemas.errors import InvalidParameter

HOME = Path("data/server")


def test_a_file_unless_told_otherwise() -> None:
    assert database_of("", {}, HOME) == ({}, "in data/server")


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg"])
@pytest.mark.parametrize("how", ["", *DATABASE])
def test_a_postgresql(scheme: str, how: str) -> None:
    url = f"{scheme}://encore:p%40ss@db.example:5433/prefect?ssl=require"
    kept, where = database_of("" if how else url, {how: url}, HOME)
    assert kept == {DATABASE[0]: "postgresql+asyncpg://encore:p%40ss@db.example:5433/prefect?ssl=require"}
    assert where == "the PostgreSQL db.example:5433/prefect"


def test_another_file_by_the_environment() -> None:
    url = "sqlite+aiosqlite:////srv/prefect.db"
    assert database_of("", {DATABASE[1]: url}, HOME)[0] == {DATABASE[0]: url}


@pytest.mark.parametrize(
    "url",
    ["mysql://me:secret@host/db", "secret", "sqlite:///secret.db", "postgresql://h:secret/x", "postgresql://[sec"],
)
def test_what_is_none_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(InvalidParameter, match="--database: write postgresql://USER") as refused:
        database_of(url, {}, HOME)
    assert "sec" not in str(refused.value).partition("there")[2]
    assert "secret" not in str(refused.value)
