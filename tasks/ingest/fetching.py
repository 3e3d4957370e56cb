"""Corpora that lie elsewhere: fetched once, kept under their hash, fetched again only if they changed there."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schemas.errors import CorpusRejected, PlaceUnreachable
from tasks.addresses import file_name, scheme, scrubbed, shown, without_password
from tasks.ingest.formats import READS, is_table_name
from tasks.progress import LOGGER
from tasks.storage import sha256_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import httpx

_CHUNK = 8 << 20
_RESUMED = 3  # times that a transfer goes on where it broke off
_SECONDS = 30.0  # without a byte
_PASSING = {408, 425, 429}
_FORBIDDEN = {401, 403, 407}
# What tells that a file is still the same; without any of them it is fetched again.
_MARKS = ("etag", "last_modified", "lastmodified", "mtime", "modify", "generation", "md5hash", "content_md5", "updated")
_EXTRAS = {"s3": "s3fs", "s3a": "s3fs"}


@dataclass(frozen=True)
class Fetched:
    """A file that was fetched: its copy, its name and where it came from, as they may be shown."""

    path: Path
    name: str
    place: str


def fetched(address: str, cache: Path) -> list[Fetched]:
    """Return copies of what lies at an address.

    Parameters
    ----------
    address : str
        ``https://`` and ``http://`` is one file. Elsewhere it is a file, a folder or a glob, of anything that fsspec
        opens.
    cache : Path
        Folder for the copies, made if need be.

    Returns
    -------
    list of Fetched
        By name.

    Raises
    ------
    CorpusRejected
        If there is nothing, it may not be read, or a package is missing that reads such places.
    PlaceUnreachable
        If it does not answer, or breaks off.
    """
    if scheme(address) in {"http", "https"}:
        return [Fetched(_over_http(address, cache), file_name(address), shown(address))]
    with _told(address):
        system, path = _file_system(address)
        files = _listed(system, path)
        if not files:
            message = f"{shown(address)} has no {READS} in it: check the address"
            raise CorpusRejected(message)
        start = scheme(address)
        return [
            Fetched(_over_fsspec(system, file, address, cache), file_name(file), shown(f"{start}://{file}"))
            for file in files
        ]


def _over_http(address: str, cache: Path) -> Path:
    import httpx

    kept = _Kept(cache, without_password(address))
    # The bytes as they lie there: what the server compresses on the way would be another file.
    headers = {"Accept-Encoding": "identity", **kept.conditions()}
    try:
        with httpx.stream("GET", address, headers=headers, follow_redirects=True, timeout=_SECONDS) as response:
            if response.status_code == httpx.codes.NOT_MODIFIED and (copy := kept.copy()):
                return copy
            _check_status(response.status_code, shown(address))
            marks = {name: response.headers[name] for name in ("etag", "last-modified") if name in response.headers}
            return kept.store(_body(response, address), marks, address)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.TooManyRedirects) as error:
        message = f"{shown(address)} cannot be fetched ({scrubbed(str(error))}): check the address"
        raise CorpusRejected(message) from None
    except httpx.HTTPError as error:
        raise _unreachable(address, error) from None


def _body(response: httpx.Response, address: str) -> Iterator[bytes]:
    """Yield what a server answers with; where it breaks off, go on from there as long as it has the same file."""
    import httpx

    arrived, left, mark = 0, _RESUMED, response.headers.get("etag", "")
    with contextlib.ExitStack() as stack:
        while True:
            try:
                for chunk in response.iter_raw():
                    arrived += len(chunk)
                    yield chunk
            except httpx.TransportError as error:
                if not (arrived and left and mark.startswith('"')):  # a weak mark does not vouch for the bytes
                    raise
                broken = error
            else:
                return
            left -= 1
            LOGGER.warning("%-7s %s broke off after %s bytes: going on", "ingest", shown(address), f"{arrived:,}")
            headers = {"Accept-Encoding": "identity", "Range": f"bytes={arrived}-", "If-Range": mark}
            rest = httpx.stream("GET", address, headers=headers, follow_redirects=True, timeout=_SECONDS)
            response = stack.enter_context(rest)
            goes_on = response.headers.get("content-range", "").startswith(f"bytes {arrived}-")
            if response.status_code != httpx.codes.PARTIAL_CONTENT or not goes_on:
                raise broken


def _check_status(status: int, place: str) -> None:
    if status in {200, 203}:
        return
    if status in _FORBIDDEN:
        message = (
            f"{place} may not be read (HTTP {status}): check that the address has not expired, and who may read it"
        )
        raise CorpusRejected(message)
    if 400 <= status < 500 and status not in _PASSING:  # noqa: PLR2004 - HTTP's own ranges
        message = f"there is nothing to read at {place} (HTTP {status}): check the address"
        raise CorpusRejected(message)
    message = f"{place} answered HTTP {status}: try again later"
    raise PlaceUnreachable(message)


def _file_system(address: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs
    from fsspec.registry import known_implementations

    start = scheme(address)
    try:
        return url_to_fs(address, use_listings_cache=False)  # type: ignore[no-any-return]
    except ImportError as error:
        told = str(known_implementations.get(start, {}).get("err", error))
        package = _EXTRAS.get(start)
        what = f"install the package {package}, or Encore's extra {start[:2]}" if package else scrubbed(told)
        message = f"{shown(address)} needs a package that is not installed: {what}"
        raise CorpusRejected(message) from None
    except ValueError:
        message = f"{shown(address)} cannot be fetched, for nothing here knows {start}://: check how it is spelt"
        raise CorpusRejected(message) from None


def _listed(system: Any, path: str) -> list[str]:
    if glob.has_magic(path) and not system.exists(path):
        return sorted(file for file in system.glob(path) if not system.isdir(file))
    if system.isdir(path):
        inside = system.ls(path, detail=True)
        return sorted(one["name"] for one in inside if one["type"] == "file" and is_table_name(one["name"]))
    return [path]


def _over_fsspec(system: Any, file: str, address: str, cache: Path) -> Path:
    info = system.info(file)
    marks = {name: str(value) for name, value in info.items() if name.lower().replace("-", "_") in _MARKS and value}
    marks |= {"size": str(info["size"])} if marks and info.get("size") is not None else {}
    kept = _Kept(cache, f"{without_password(address)}\n{file}")
    if marks and kept.marks() == marks and (copy := kept.copy()):
        return copy
    with system.open(file, "rb", block_size=_CHUNK) as remote:
        return kept.store(iter(lambda: remote.read(_CHUNK), b""), marks, address, info.get("size"))


@contextlib.contextmanager
def _told(address: str) -> Iterator[None]:
    """Turn what the many packages behind fsspec raise into our two errors, with nothing secret in them."""
    try:
        yield
    except (CorpusRejected, PlaceUnreachable):
        raise
    except FileNotFoundError:
        message = f"there is nothing to read at {shown(address)}: check the address"
        raise CorpusRejected(message) from None
    except Exception as error:  # noqa: BLE001 - each package behind fsspec has errors of its own
        if isinstance(error, PermissionError) or "Credentials" in type(error).__name__:
            message = (
                f"{shown(address)} may not be read ({scrubbed(str(error))}): check the credentials, for s3:// "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )
            raise CorpusRejected(message) from None
        raise _unreachable(address, error) from None


def _unreachable(address: str, error: Exception) -> PlaceUnreachable:
    said = scrubbed(str(error)) or type(error).__name__
    return PlaceUnreachable(f"{shown(address)} cannot be fetched ({said}): check the address and the network")


class _Kept:
    """The copy of what lies at an address: its bytes under their hash, and a note of which they were."""

    def __init__(self, cache: Path, identity: str) -> None:
        self._cache = cache
        self._note = cache / f"{hashlib.sha256(identity.encode()).hexdigest()}.json"

    def _noted(self) -> dict[str, Any]:
        try:
            noted = json.loads(self._note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return noted if isinstance(noted, dict) else {}

    def marks(self) -> dict[str, str]:
        """Return what told the version apart that was fetched last."""
        return dict(self._noted().get("marks", {}))

    def copy(self) -> Path | None:
        """Return the copy if it is there and whole."""
        sha256 = str(self._noted().get("sha256", ""))
        path = self._cache / sha256
        if not re.fullmatch(r"[0-9a-f]{64}", sha256) or not path.is_file():
            return None
        for used in (path, self._note):  # what is not used for long is taken away (tasks.leftovers)
            with contextlib.suppress(OSError):
                os.utime(used)
        return path if sha256_of(path) == sha256 else None

    def conditions(self) -> dict[str, str]:
        """Return the headers by which a server only answers with what is new."""
        marks = self.marks()
        if not marks or self.copy() is None:
            return {}
        headers = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}
        return {headers[name]: value for name, value in marks.items() if name in headers}

    def store(self, chunks: Iterable[bytes], marks: dict[str, str], address: str, size: int | None = None) -> Path:
        """Write what arrives beside its place, and move it there when all of it has."""
        self._cache.mkdir(parents=True, exist_ok=True)
        partial = self._cache / f".partial-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        digest, arrived = hashlib.sha256(), 0
        try:
            with partial.open("wb") as file:
                for chunk in chunks:
                    digest.update(chunk)
                    file.write(chunk)
                    arrived += len(chunk)
            if size is not None and arrived != size:
                message = f"{shown(address)} broke off after {arrived:,} of {size:,} bytes: try again"
                raise PlaceUnreachable(message)
            path = self._cache / digest.hexdigest()
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        noted = self._note.with_name(f".partial-{os.getpid()}-{uuid.uuid4().hex[:8]}")
        noted.write_text(json.dumps({"sha256": path.name, "marks": marks}), encoding="utf-8")
        noted.replace(self._note)
        LOGGER.info("%-7s fetched %s: %s bytes", "ingest", shown(address), f"{arrived:,}")
        return path
