"""A server that refuses to answer is a sentence."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from flows.history import show_history
from schemas.errors import ServerTrouble

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=[401, 403])
def refusing(request: pytest.FixtureRequest) -> Iterator[tuple[str, int]]:
    """Serve what is healthy and tells nobody anything."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path.endswith("/health") else request.param)
            self.end_headers()

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/api", request.param
    server.shutdown()
    server.server_close()


def test_a_sentence(refusing: tuple[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    api, code = refusing
    monkeypatch.setenv("PREFECT_API_URL", api)
    with pytest.raises(ServerTrouble, match=rf"^the server at {api} refused to answer \(HTTP {code}\); ") as refused:
        show_history("label", tmp_path, 3, as_json=False)
    assert ("PREFECT_API_AUTH_STRING" in str(refused.value)) is (code == 401)
