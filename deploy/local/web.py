"""A real part that speaks HTTP on loopback, such as Prometheus: started on a free port, asked, ended in order."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Final, Self
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

from deploy.local.jars import Say
from deploy.local.ports import HOST, free_port
from deploy.local.program import Program, ProgramError, silent

START_SECONDS: Final = 30.0  # each needs under one; the rest is for a machine that is busy building something
STOP_SECONDS: Final = 10.0
PORT_ATTEMPTS: Final = 5  # between choosing a free port and using it somebody else may take it
# Never through a proxy: everything asked here is on this machine, and a proxy from the environment would not reach it.
_OPENER: Final = build_opener(ProxyHandler({}))


class LocalWeb(ABC):
    """One process; `url` is its address once started. Its data, log and configuration lie in `directory`.

    A Ctrl-C does not reach it, so whoever starts it must turn its own signals into an orderly stop().
    """

    NAME: ClassVar[str]
    HOW_TO_GET: ClassVar[str]
    API: ClassVar[str]
    ERROR: ClassVar[type[ProgramError]]

    def __init__(self, executable: str | None, directory: Path, *, port: int = 0, say: Say = silent) -> None:
        self.directory = directory.resolve()
        self.url = ""
        self._wanted_port = port
        self._executable = executable
        self._program = Program(self.NAME, self.log_file, self.ERROR, say)

    @property
    def log_file(self) -> Path:
        """What the program wrote."""
        return self.directory / f"{self.NAME.lower()}.log"

    @property
    def pid(self) -> int:
        """The process id, also after it has ended."""
        return self._program.pid

    def start(self) -> Self:
        """Returns once it answers. Raises the part's error when it does not."""
        if self._executable is None:
            raise self.ERROR(self.HOW_TO_GET)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._write_configuration()
        for attempts_left in reversed(range(1 if self._wanted_port else PORT_ATTEMPTS)):
            try:
                self._start_at(self._wanted_port or free_port())
                break
            except ProgramError:
                if not attempts_left or "address already in use" not in self._program.written():
                    raise
        self._program.say(f"{self.NAME} answers at {self.url}")
        return self

    def stop(self) -> None:
        """Ends the process that start() began, and only that. Safe to call twice."""
        self._program.stop(seconds=STOP_SECONDS)

    def api(self, path: str, **arguments: str) -> Any:
        """What it answers. Raises the part's error."""
        return json.loads(self._ask(Request(f"{self.url}{self.API}{path}?{urlencode(arguments)}")))

    def post(self, path: str, document: Any) -> None:
        """Hands it a JSON document. Raises the part's error."""
        body = json.dumps(document).encode()
        self._ask(Request(f"{self.url}{self.API}{path}", body, {"Content-Type": "application/json"}))

    def wait_until(self, what: str, is_so: Callable[[], bool], seconds: float = 30.0) -> None:
        """Asks until it is so. Raises the part's error, naming `what`, after that long."""
        self._program.wait_until(what, is_so, seconds)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @abstractmethod
    def _write_configuration(self) -> None:
        """Into `directory`."""

    @abstractmethod
    def _arguments(self, listen: str) -> list[str]:
        """What follows the program's name, for it to listen at this host:port."""

    @abstractmethod
    def _is_ours(self) -> bool:
        """Whether what answers is no other process that has had the port before."""

    def _start_at(self, port: int) -> None:
        assert self._executable is not None
        listen = f"{HOST}:{port}"
        self.url = f"http://{listen}"
        command = [self._executable, *self._arguments(listen)]
        self._program.start(command, is_ready=self._is_ready, seconds=START_SECONDS, cwd=self.directory)

    def _ask(self, request: Request) -> bytes:
        try:
            with _OPENER.open(request, timeout=10) as answer:
                body: bytes = answer.read()
                return body
        except OSError as error:
            raise self.ERROR(f"{request.full_url}: {error}") from error

    def _is_ready(self) -> bool:
        try:
            with _OPENER.open(f"{self.url}/-/ready", timeout=2):
                return self._is_ours()
        except (OSError, ProgramError):
            return False
