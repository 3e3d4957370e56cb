"""Publications on a local address, to read: what the links in Prefect's artifacts lead to."""

from __future__ import annotations

import html
import http.server
import mimetypes
import os
import socket
import threading
import urllib.parse
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, ClassVar

from schemas.errors import EncoreError
from schemas.publication import CURRENT, VERSIONS, checked_name

URL = "ENCORE_PAGES_URL"
ROOT = "ENCORE_PAGES_ROOT"

# Reports are pages of their own, with their script inside; nothing in them may reach for anything else.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_SHOWN = {".html", ".png", ".svg", ".json", ".md", ".txt"}
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def link_to(path: Path | str) -> str:
    """Return the address under which a file of a publication is served; empty where it is not.

    Parameters
    ----------
    path : path-like
        In a folder of publications.
    """
    url, root = os.environ.get(URL, ""), os.environ.get(ROOT, "")
    # Not resolved: `current` is to stay `current`.
    place = Path(os.path.abspath(path))  # noqa: PTH100 - Path.absolute() keeps `..`
    if not url or not root or not place.is_relative_to(root):
        return ""
    return f"{url}/{urllib.parse.quote(place.relative_to(root).as_posix())}"


class Pages(http.server.ThreadingHTTPServer):
    """Serves a folder of publications, read-only; nothing hidden, and nothing outside of it.

    Parameters
    ----------
    root : Path
        It need not be there yet.
    host : str
    port : int
        0 for any.

    Raises
    ------
    OSError
        If the port is not free.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, root: Path, host: str = "127.0.0.1", port: int = 0) -> None:
        self.root, self.host = root.resolve(), host
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{url_host(self.host)}:{self.server_address[1]}"

    def begin(self) -> None:
        """Serve from a thread until the process ends or `shutdown` is called."""
        threading.Thread(target=self.serve_forever, name="pages", daemon=True).start()


def url_host(host: str) -> str:
    """Return a host as it is written in an address that a browser on this machine can open."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach what is bound to a host."""
    return host in _LOOPBACK or host.startswith("127.")


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Pages
    server_version, sys_version = "Encore", ""
    protocol_version = "HTTP/1.1"
    timeout: ClassVar[int] = 30

    def do_GET(self) -> None:
        """Answer with a file, or with the list of publications."""
        self._answer(body=True)

    def do_HEAD(self) -> None:
        """Answer as to GET, without the content."""
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        if not self._is_meant():
            self._send(HTTPStatus.MISDIRECTED_REQUEST, b"This server is reached from this machine only.\n", body=body)
            return
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        if path == "/":
            self._send(HTTPStatus.OK, _index(self.server.root).encode(), kind="text/html; charset=utf-8", body=body)
            return
        found = _find(self.server.root, path)
        if found is None:
            self._send(HTTPStatus.NOT_FOUND, b"There is no such file in a publication.\n", body=body)
            return
        try:
            with found.open("rb") as file:
                self._send_file(found, file, body=body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _is_meant(self) -> bool:
        """Say whether the reader's browser meant us: a stranger's page may have its name point to this machine."""
        if not is_loopback(self.server.host):
            return True
        host = self.headers.get("Host", "")
        name = host.partition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
        return name == self.server.host or name in _LOOPBACK

    def _send(self, status: HTTPStatus, content: bytes, *, kind: str = "text/plain; charset=utf-8", body: bool) -> None:
        self._head(status, kind, len(content))
        if body:
            self.wfile.write(content)

    def _send_file(self, path: Path, file: BinaryIO, *, body: bool) -> None:
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        if path.suffix == ".md":
            kind = "text/plain"
        if kind.startswith("text/"):
            kind += "; charset=utf-8"
        if path.suffix not in _SHOWN:
            kind = "application/octet-stream"
        self._head(HTTPStatus.OK, kind, os.fstat(file.fileno()).st_size)
        if body:
            self.copy(file)

    def copy(self, file: BinaryIO) -> None:
        """Send the rest of a file."""
        while chunk := file.read(1 << 20):
            self.wfile.write(chunk)

    def _head(self, status: HTTPStatus, kind: str, size: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(size))
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-cache")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has there
        """Say nothing: who reads what is nobody's business."""


def _find(root: Path, path: str) -> Path | None:
    """Return the file that a path of an address means; None where there is none, or where it is not to be read."""
    parts = path.strip("/").split("/")
    if any(not part or part.startswith(".") or "\\" in part or "\0" in part for part in parts):
        return None
    try:
        found = root.joinpath(*parts).resolve(strict=True)
    except (OSError, RuntimeError):
        return None
    inside = found.is_relative_to(root) and not any(part.startswith(".") for part in found.relative_to(root).parts)
    return found if inside and found.is_file() else None


def _index(root: Path) -> str:
    """Return a page that links to the reports of all publications."""
    rows = []
    for folder in sorted(root.iterdir()) if root.is_dir() else []:
        try:
            checked_name(folder.name)
        except EncoreError:
            continue
        if not (folder / CURRENT / "report.html").is_file():
            continue
        name = html.escape(folder.name)
        versions = sorted((entry.name for entry in (folder / VERSIONS).iterdir()), reverse=True)
        others = ", ".join(
            f'<a href="/{name}/{VERSIONS}/{html.escape(version)}/report.html">{html.escape(version[:16])}</a>'
            for version in versions[:10]
            if not version.startswith(".")
        )
        rows.append(f'<li><a href="/{name}/{CURRENT}/report.html">{name}</a> <small>{others}</small></li>')
    listed = f"<ul>{''.join(rows)}</ul>" if rows else "<p>Nothing has been published yet.</p>"
    style = "body{font:1rem/1.5 system-ui,sans-serif;margin:3rem auto;max-width:60rem;padding:0 1rem}small{color:#666}"
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Publications</title>'
        f"<style>{style}</style><h1>Publications</h1>{listed}</html>"
    )
