"""Who receives what Alertmanager sends: a webhook on loopback that remembers everything."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


@dataclass(frozen=True)
class Notification:
    """What came: `receiver` is the last part of the address it came to, `body` as Alertmanager sent it."""

    receiver: str
    body: dict[str, Any]

    @property
    def page(self) -> str:
        """Which page it is about; a notification is about one."""
        name: str = self.body["groupLabels"]["alertname"]
        return name

    @property
    def status(self) -> str:
        """firing, or resolved when none of it fires any more."""
        status: str = self.body["status"]
        return status

    @property
    def labels(self) -> list[dict[str, str]]:
        """Of each page in it."""
        return [page["labels"] for page in self.body["alerts"]]


class Pager:
    """Listens on a free loopback port between `with` and its end."""

    def __init__(self) -> None:
        self._came: list[Notification] = []
        self._news = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def url(self) -> str:
        """Its address without a path."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def came(self) -> list[Notification]:
        """Everything until now, in order."""
        with self._news:
            return list(self._came)

    def wait_for(self, is_it: Callable[[Notification], bool], seconds: float = 30.0) -> Notification:
        """Returns the first that is it. Fails, saying what came instead, after that long."""
        with self._news:
            self._news.wait_for(lambda: any(map(is_it, self._came)), seconds)
            found = next(filter(is_it, self._came), None)
            assert found, [(n.receiver, n.page, n.status) for n in self._came]
            return found

    def __enter__(self) -> Pager:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        pager = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with pager._news:
                    pager._came.append(Notification(self.path.rpartition("/")[2], body))
                    pager._news.notify_all()
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:
                """Nothing: a test says what is wrong."""

        return Handler
