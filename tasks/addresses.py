"""Addresses of corpora, and what of them may be shown: not the password, the key or the signature in them."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_HTTP = ("http", "https")
_LONGEST = 200


def is_address(text: str) -> bool:
    """Say whether a source is an address to be fetched from, rather than a path."""
    return scheme(text) not in {"", "file"}


def scheme(address: str) -> str:
    """Return what stands before ``://``, in lower case; empty if nothing does."""
    match = _SCHEME.match(address)
    return match[1].lower() if match else ""


def without_password(address: str) -> str:
    """Return an address without the password before its host; over HTTP without the user too, who may be a token."""
    start, rest = address.split("://", 1)
    place, slash, path = rest.partition("/")
    user, at, host = place.rpartition("@")
    kept = "" if scheme(address) in _HTTP else user.partition(":")[0] + at
    return f"{start}://{kept}{host}{slash}{path}"


def shown(address: str) -> str:
    """Return an address without password, query and fragment; anything else as it is."""
    if not is_address(address):
        return address
    if scheme(address) in _HTTP:
        address, *more = re.split(r"[?#]", address, maxsplit=1)
        address += "?..." if more and more[0] else ""
    clean = "".join(letter if letter.isprintable() else "?" for letter in without_password(address))
    return clean if len(clean) <= _LONGEST else clean[: _LONGEST - 3] + "..."


def scrubbed(text: str) -> str:
    """Return a message of somebody else's without what is secret in the addresses it names, in one line."""
    line = (text.splitlines() or [""])[0]
    line = re.sub(r"(?<=://)[^/\s@]*@", "", line)
    return re.sub(r"\?[^\s'\")>]*", "?...", line)[:_LONGEST]


def file_name(address: str) -> str:
    """Return the last part of an address or a path, to be shown; never to be used as a path."""
    path = urlsplit(address).path if scheme(address) in _HTTP else address
    name = unquote(path).rstrip("/").rpartition("/")[2]
    clean = "".join(letter if letter.isprintable() else "?" for letter in name)[-_LONGEST:]
    return clean or shown(address)
