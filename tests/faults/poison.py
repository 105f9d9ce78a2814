"""Workers that die of certain messages: the real program, with a killer put into its reader from outside.

Python runs `sitecustomize` before anything else. The one written here replaces, in workers only, a function by one that
ends the process, or raises, when it meets a message that holds a certain text. Nothing of this is in the product.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.faults.harness import Running

_CUSTOM: Final = """
import os, signal, sys

if "worker" in sys.orig_argv:
    import streams.{module} as owner

    *path, name = {function!r}.split(".")
    for step in path:
        owner = getattr(owner, step, None)
    genuine = getattr(owner, name, None)
    if genuine is None:  # Python would go on without what was to be put here
        os.write(2, b"there is nothing to poison: {module} {function}\\n")
        os._exit(1)

    def poisoned(*arguments, **named):
        if not {text!r} or {text!r} in repr(arguments):
            {harm}
        return genuine(*arguments, **named)

    setattr(owner, name, poisoned)
"""
KILLS: Final = "os.kill(os.getpid(), signal.SIGKILL)"
RAISES: Final = "raise KeyError('a secret: w028')"
READING: Final = "Translators.translate"
PAUSE: Final = 0.2


def poison(directory: Path, text: str, harm: str, *, module: str = "sources", function: str = READING) -> str:
    """PYTHONPATH under which workers come to harm in this function, or method, when its arguments hold this text."""
    directory.mkdir(parents=True, exist_ok=True)
    custom = _CUSTOM.format(text=text, harm=harm, module=module, function=function)
    (directory / "sitecustomize.py").write_text(custom)
    return str(directory)


def supervise(one: Running, is_done: Callable[[], object], seconds: float) -> int:
    """Start a worker again whenever it has ended, as any supervisor does; how often, until it is done."""
    deadline, restarts = time.monotonic() + seconds, 0
    while not is_done():
        worker = one.service.workers[-1]
        assert time.monotonic() < deadline, f"not done after {seconds} s and {restarts} restarts"
        if worker.process.poll() is not None:
            one.service.workers.remove(worker)
            one.service.launch()
            restarts += 1
        time.sleep(PAUSE)
    return restarts
