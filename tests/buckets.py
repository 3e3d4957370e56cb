"""A real S3-compatible server, and a proxy before it that fails, and knows conditions, as a test wants."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import http.server
import shutil
import socket
import subprocess
import sysconfig
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

USER, SECRET = "someone", "hush-hush-hush"


@contextlib.contextmanager
def s3_server(folder: Path, *options: str) -> Iterator[int]:
    """Serve the folders of a folder as buckets, from a process of its own, with options of rclone; give its port."""
    pytest.importorskip("s3fs")
    beside = Path(sysconfig.get_path("scripts"), "rclone")
    rclone = str(beside) if beside.exists() else shutil.which("rclone")
    if rclone is None:
        pytest.skip("no rclone to serve S3 with")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [rclone, "serve", "s3", str(folder), "--addr", f"127.0.0.1:{port}", "--auth-key", f"{USER},{SECRET}"]
    command += ["--config", str(folder / "none.conf"), *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait_for(port)
            yield port
        finally:
            server.terminate()


def _wait_for(port: int) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    pytest.fail("the S3 server did not start")


@dataclass
class Proxy:
    """What a proxy does to requests, and what it has seen of them.

    ``fault`` is told the number, method and path of each, and says ``""`` (pass it on), ``"503"``, ``"drop"`` (read
    half of what is sent, and hang up), ``"lose"`` (pass it on, and hang up instead of answering) or ``"slow"``.
    """

    port: int
    address: str = ""
    fault: Callable[[int, str, str], str] = lambda *_: ""
    conditions: bool = False
    seen: list[tuple[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    tags: dict[str, str] = field(default_factory=dict)


class Handler(http.server.BaseHTTPRequestHandler):
    """Passes requests on to the server."""

    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def handle_any(self) -> None:
        """Pass a request on, or fail it."""
        proxy = self.proxy
        length = int(self.headers.get("Content-Length") or 0)
        with proxy.lock:
            proxy.seen.append((self.command, self.path))
            fault = proxy.fault(len(proxy.seen), self.command, self.path)
        if fault == "drop":
            self.rfile.read(length // 2)
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        body = self.rfile.read(length)
        if fault == "503":
            self.answer(503, b"<Error><Code>SlowDown</Code><Message>later</Message></Error>", {})
            return
        if fault == "slow":
            time.sleep(0.5)
        if proxy.conditions and self.command in {"PUT", "DELETE"}:
            # One at a time from the look to the write, as a store does that knows conditions.
            with proxy.lock:
                status, answer, headers = self.conditional(body)
        else:
            status, answer, headers = self.forward(self.command, body, dict(self.headers))
        if fault == "lose":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.answer(status, answer, headers)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any  # noqa: N815 - as http.server calls them

    def conditional(self, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        """Write if the conditions hold that the request names."""
        key = self.path.partition("?")[0]
        tag = self.proxy.tags.get(key)
        wanted, none = self.headers.get("If-Match"), self.headers.get("If-None-Match")
        if (none == "*" and tag is not None) or (wanted is not None and wanted.strip('"') != tag):
            which = "If-None-Match" if none else "If-Match"
            said = f"<Error><Code>PreconditionFailed</Code><Message>no</Message><Condition>{which}</Condition></Error>"
            return 412, said.encode(), {}
        status, answer, headers = self.forward(self.command, body, dict(self.headers))
        if status in {200, 204}:
            if self.command == "PUT":
                self.proxy.tags[key] = headers.get("Etag", headers.get("ETag", "")).strip('"') or _tag(body)
            else:
                self.proxy.tags.pop(key, None)
        return status, answer, headers

    def forward(self, method: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
        """Ask the server."""
        connection = http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=30)
        try:
            connection.putrequest(method, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                if name.lower() != "expect":
                    connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.read(), dict(answer.getheaders())
        finally:
            connection.close()

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        """Send an answer."""
        self.send_response(status)
        length = headers.get("Content-Length", str(len(body))) if self.command == "HEAD" else str(len(body))
        for name, value in headers.items():
            if name.lower() not in {"content-length", "transfer-encoding", "connection", "date", "server"}:
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(b"" if self.command == "HEAD" else body)


def _tag(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that hung up."""


@contextlib.contextmanager
def proxied(port: int) -> Iterator[Proxy]:
    """Start a proxy before the server at a port."""
    proxy = Proxy(port)
    with _Server(("127.0.0.1", 0), type("Mine", (Handler,), {"proxy": proxy})) as server:
        proxy.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def pointed_at(address: str, secret: str = SECRET) -> Iterator[None]:
    """Have whoever opens ``s3://`` in here find a server, as every program that speaks S3 is told of one."""
    import s3fs

    settings = {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": USER,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_MAX_ATTEMPTS": "3",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        yield
        s3fs.S3FileSystem.clear_instance_cache()
