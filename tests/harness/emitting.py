"""A host program of its own process, that emits: what is killed, forks, or ends without closing. One line for each
thing done, so that whoever started it knows how far it came.

    python -m tests.harness.emitting WHAT BOOTSTRAP SPOOL PREFIX
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from itertools import count, islice
from pathlib import Path
from typing import Any, Final

from schemas.emit import Emitter, MisusedError
from schemas.emit.message import Waiting
from schemas.emit.spool import Spool

FLUSHED: Final = 200  # emitted before each line "flushed"
FEW, MANY = 4_000, 24_000  # for the memory


def fields(number: int) -> dict[str, Any]:
    """Of the access that is emitted as this one, in 50 records."""
    return {
        "event_id": f"ecms-{number}",
        "actor": f"login{number % 7}",
        "action": "view",
        "record": {"kind": "case", "id": f"c{number % 50:04}"},
        "result": "success",
        "occurred_at": "2026-01-05T14:14:03.120Z",
        "purpose": {"code": "intake", "text": "asked by the unit"},
    }


def say(*words: object) -> None:
    """At once: the next moment may be the last."""
    print(*words, flush=True)


def for_ever(emitter: Emitter) -> None:
    """Until it is killed: what it said is flushed was, and more was emitted behind it."""
    for number in count(1):
        while not emitter.emit(**fields(number)):
            emitter.flush()
        if number % FLUSHED == 0 and emitter.flush(60):
            say("flushed", number)


def without_close(emitter: Emitter) -> None:
    """The program just ends, as programs do."""
    for number in range(1, 51):
        emitter.emit(**fields(number))
    say("ends")


def closing_at_once(emitter: Emitter) -> None:
    """On a slow disk. Nothing is left of it behind `close`, which gives the broker no time."""
    commit = Spool.commit

    def slowly(spool: Spool, entries: Sequence[Waiting], through: int, sequence: int | None) -> None:
        threading.Event().wait(0.1)
        commit(spool, entries, through, sequence)

    Spool.commit = slowly  # type: ignore[method-assign]
    taken = sum(emitter.emit(**fields(number)) for number in range(1, 9_001))
    say(taken, emitter.close(0))
    os._exit(0)


def closing_broken_off(emitter: Emitter) -> None:
    """A signal's handler ends the program while it waits for a broker that is not there."""
    emitter.emit(**fields(1))
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(0))
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    emitter.close(3_600)
    say("closed")


def full_disk(emitter: Emitter) -> None:
    """It ends while its disk takes a page more, and no access."""
    for number in range(1, 11):
        emitter.emit(**fields(number))
    emitter.flush(60)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    largest = max(file.stat().st_size for file in Path(sys.argv[3]).iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 4_500, resource.RLIM_INFINITY))
    for number in range(11, 16):
        emitter.emit(**{**fields(number), "purpose": {"text": "p" * 1_500}})
    say("flushed", emitter.flush(2), emitter.stats().unwritten)


def forking(emitter: Emitter) -> None:
    """A child tries to emit, ends as Python programs end, and the parent goes on until it is killed."""
    emitter.emit(**fields(1))
    child = os.fork()
    if child == 0:
        try:
            emitter.emit(**fields(2))
        except MisusedError as error:
            say("child:", error)
        say("child:", emitter.close(5))
        sys.exit(0)
    say("child ended with", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    for number in range(3, 501):
        emitter.emit(**fields(number))
    say("flushed", emitter.flush(60))
    os.kill(os.getpid(), signal.SIGKILL)  # so that nothing but what lies on the disk now is left


def memory(emitter: Emitter) -> None:
    """Resident memory after few accesses and after many, with no broker there."""
    numbers = count(1)
    for upto in (FEW, MANY):
        for number in islice(numbers, upto):
            emitter.emit(**fields(number))
            if number % 500 == 0:
                emitter.flush(60)
        say("highest", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    say("waiting", emitter.stats().waiting, "refused", emitter.stats().refused)


WHAT: Final[dict[str, Callable[[Emitter], None]]] = {
    "for-ever": for_ever,
    "without-close": without_close,
    "closing-at-once": closing_at_once,
    "closing-broken-off": closing_broken_off,
    "full-disk": full_disk,
    "forking": forking,
    "memory": memory,
}


def main(what: str, bootstrap: str, spool: str, prefix: str) -> None:
    """Do it."""
    WHAT[what](Emitter("ecms", bootstrap, spool, topic_prefix=prefix, number_from=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
