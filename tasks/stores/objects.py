"""The few things that are asked of an object store, tried again where that may help, and refused in a sentence.

No secret of an address or of the environment is in what is raised, nor behind it: the packages that talk to stores put
whole requests into their errors.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.errors import EncoreError, InvalidParameter, PublicationConflict, StoreUnreachable
from tasks.addresses import scheme, scrubbed, shown
from tasks.progress import LOGGER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Between tries, in seconds; what speaks S3 tries again by itself. A step whose tries are used up is tried again as a
# whole, after longer.
DELAYS = (0.3, 1.5)
_CHUNK = 8 << 20
_EXTRAS = {"s3": "s3fs", "s3a": "s3fs"}
_PRECONDITION = ("PreconditionFailed", "ConditionalRequestConflict", "412")


class Taken(Exception):
    """A conditional write found something else there than it was to replace."""


class Objects:
    """Objects by path under one address.

    Parameters
    ----------
    system : fsspec.AbstractFileSystem
    base : str
        Path in it.
    where : str
        The address, as it may be shown.
    kind : str
        What stands before ``://``.
    """

    def __init__(self, system: Any, base: str, where: str, kind: str) -> None:
        self._system, self._base, self.where, self.kind = system, base.rstrip("/"), where, kind

    @classmethod
    def at(cls, address: str) -> Objects:
        """Open an address.

        Raises
        ------
        InvalidParameter
            If nothing here does, or the package that would is not installed.
        """
        from fsspec.core import url_to_fs
        from fsspec.registry import known_implementations

        start = scheme(address)
        try:
            system, base = url_to_fs(address, use_listings_cache=False)
        except ImportError as error:
            told = str(known_implementations.get(start, {}).get("err", error))
            package = _EXTRAS.get(start)
            what = f"install the package {package}, or Encore's extra {start[:2]}" if package else scrubbed(told)
            message = f"{shown(address)} needs a package that is not installed: {what}"
            raise InvalidParameter(message) from None
        except Exception:  # noqa: BLE001 - each package behind fsspec has errors of its own
            message = (
                f"nothing can be published at {shown(address)}: give a folder, or an address such as s3://bucket/here"
            )
            raise InvalidParameter(message) from None
        if start in {"http", "https"} or not str(base).strip("/"):
            message = (
                f"nothing can be published at {shown(address)}: give a folder, or an address such as s3://bucket/here"
            )
            raise InvalidParameter(message)
        return cls(system, str(base), shown(address).rstrip("/"), start)

    def read(self, path: str) -> bytes:
        """Return what an object holds.

        Raises
        ------
        FileNotFoundError
            If it is not there.
        """
        content: bytes = self._tried(self._system.cat_file, self._at(path), path=path)
        return content

    def tag(self, path: str) -> str:
        """Return what tells this state of an object from others; empty where the store has no such thing."""
        info = self._tried(self._system.info, self._at(path), path=path)
        return str(info.get("ETag") or info.get("etag") or "")

    def size(self, path: str) -> int | None:
        """Return how large an object is; None where it is not there."""
        try:
            info = self._tried(self._system.info, self._at(path), path=path)
        except FileNotFoundError:
            return None
        return int(info["size"]) if info["type"] == "file" else None

    def write(self, path: str, content: bytes, *, new: bool = False, tag: str = "") -> None:
        """Put an object there, whole.

        Parameters
        ----------
        path : str
        content : bytes
            If it is written under a condition, different from all that others write there: a store may have done what
            its answer, lost on the way, would have said.
        new : bool
            Only if nothing is there.
        tag : str
            Only if what is there has this `tag`.

        Raises
        ------
        Taken
            If the store knows conditions and this one does not hold. Stores that know none write all the same.
        """
        more: dict[str, Any] = {"mode": "create"} if new else {"IfMatch": tag} if tag and self.kind in _EXTRAS else {}
        try:
            self._tried(self._system.pipe_file, self._at(path), content, path=path, **more)
        except FileNotFoundError:  # not the object, which is about to be
            message = f"{self.where} is nowhere: make the bucket first, or check the address"
            raise PublicationConflict(message) from None
        except FileExistsError:
            with contextlib.suppress(FileNotFoundError):
                if self.read(path) == content:
                    return
            raise Taken(path) from None

    def send(self, file: Path, path: str) -> None:
        """Put a file there."""
        self._tried(self._system.put_file, str(file), self._at(path), path=path)

    def fetch(self, path: str, file: Path) -> str:
        """Copy an object into a file, and return its SHA-256 as hex."""

        def copy() -> str:
            digest = hashlib.sha256()
            with self._system.open(self._at(path), "rb", block_size=_CHUNK) as remote, file.open("wb") as local:
                while chunk := remote.read(_CHUNK):
                    digest.update(chunk)
                    local.write(chunk)
            return digest.hexdigest()

        return str(self._tried(copy, path=path))

    def hashed(self, path: str) -> str:
        """Return the SHA-256 of an object, as hex."""
        return self.fetch(path, Path(os.devnull))

    def under(self, path: str) -> dict[str, dict[str, Any]]:
        """Return the objects below a path: path below it to what the store says of it."""
        start = self._at(path)
        try:
            found = self._tried(self._system.find, start, detail=True, path=path)
        except FileNotFoundError:
            return {}
        base = self._system._strip_protocol(start).rstrip("/") + "/"  # noqa: SLF001 - as its own listings spell it
        return {name[len(base) :]: info for name, info in found.items() if name.startswith(base)}

    def folders(self, path: str = "") -> list[str]:
        """Return the names of what lies directly below a path and has something below it."""
        try:
            listed = self._tried(self._system.ls, self._at(path), detail=True, path=path)
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(one["name"].rstrip("/").rpartition("/")[2] for one in listed if one["type"] == "directory")

    def remove(self, paths: list[str]) -> None:
        """Take objects away; those that are gone already do not matter."""
        for path in paths:
            with contextlib.suppress(FileNotFoundError):
                self._tried(self._system.rm_file, self._at(path), path=path)

    def modified(self, path: str) -> float | None:
        """Return when an object was written, in seconds by the store's own clock; None where it does not say."""
        try:
            return float(self._tried(self._system.modified, self._at(path), path=path).timestamp())
        except NotImplementedError:
            return None

    def _at(self, path: str) -> str:
        return f"{self._base}/{path}" if path else self._base

    def _tried(self, function: Callable[..., Any], *arguments: Any, path: str, **named: Any) -> Any:
        """Call, and again where it may help."""
        for delay in (*(() if self.kind in _EXTRAS else DELAYS), None):
            try:
                with self._told(path):
                    return function(*arguments, **named)
            except StoreUnreachable as error:
                if delay is None:
                    raise
                LOGGER.warning("%-7s %s; trying again", "publish", error)
            time.sleep(delay)
        raise AssertionError

    @contextlib.contextmanager
    def _told(self, path: str) -> Iterator[None]:
        """Turn what the many packages behind fsspec raise into our errors, with nothing secret in them."""
        place = f"{self.where}/{path}" if path else self.where
        try:
            yield
        except (EncoreError, StoreUnreachable, FileNotFoundError, NotADirectoryError, NotImplementedError):
            raise
        except (TypeError, AttributeError, NameError, AssertionError):  # a bug
            raise
        except Exception as error:  # noqa: BLE001 - each package has errors of its own
            if isinstance(error, FileExistsError) or any(code in _code(error) for code in _PRECONDITION):
                raise FileExistsError(place) from None
            said = scrubbed(str(error)) or type(error).__name__
            if isinstance(error, PermissionError) or "Credentials" in type(error).__name__:
                message = (
                    f"{place} may not be read or written ({said}): check the credentials, for s3:// AWS_ACCESS_KEY_ID "
                    "and AWS_SECRET_ACCESS_KEY"
                )
                raise PublicationConflict(message) from None
            message = f"{place} does not answer as it should ({said}): check the address and the network"
            raise StoreUnreachable(message) from None


def _code(error: BaseException) -> str:
    """Return the code of an error of S3, wherever in it that is; empty for others."""
    for one in (error, error.__cause__):
        response = getattr(one, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", ""))
    return ""
