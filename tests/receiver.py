"""A receiver of webhooks: a real HTTP server on this machine that keeps what it is sent."""

from __future__ import annotations

import contextlib
import json
import queue
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PATIENCE = 120.0


@dataclass
class Receiver:
    """What came, in its order.

    Parameters
    ----------
    url : str
        To send it to.
    """

    url: str
    _came: queue.Queue[dict[str, Any]] = field(default_factory=queue.Queue)

    def put(self, body: dict[str, Any]) -> None:
        """Keep what came."""
        self._came.put(body)

    def next(self, wanted: Callable[[dict[str, Any]], bool], seconds: float = _PATIENCE) -> dict[str, Any]:
        """Return the next that is wanted, and wait for it if it has to come yet; others before it are dropped.

        Raises
        ------
        queue.Empty
            If it does not come.
        """
        while True:
            came = self._came.get(timeout=seconds)
            if wanted(came):
                return came


@contextlib.contextmanager
def receiver() -> Iterator[Receiver]:
    """Receive webhooks inside this."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiving.put(json.loads(body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiving = Receiver(f"http://127.0.0.1:{server.server_port}/hook")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiving
    finally:
        server.shutdown()
        server.server_close()
