"""What may become of a dead letter, and what somebody is to do about it: by its stage, decided in one table. Pure.

| stage | what lies there | replay |
|---|---|---|
| translate | a message of a source that its translator refused | yes, once today's translator takes it |
| register | a fact that was refused | yes, once it would be registered: the highest revision stands |
| register | a mark | never: it is a promise of its moment, and the feed's next one says more |
| quarantine | looking at it ended a worker | only when forced, and untried: trying it could end this command as well |
| conflict | a revision of a fact with other content than before | never: nothing is missing that a replay would bring |

On a broker with access control `replayer` may write to no feed: a refused fact stays, and its system states it again.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from schemas.codec import MESSAGE_MAX
from schemas.letter_act import NAME_PATTERN
from schemas.topics import CANONICAL, HEARTBEAT, Topics

from .letters import DeadLetter

How = Literal["try", "untried", "never"]


class Treatment(NamedTuple):
    """How a letter may be replayed, and why not at once."""

    how: How
    why: str = ""


class Origin(NamedTuple):
    """Whose message it was."""

    kind: Literal["source", "feed", "topic"]
    name: str


CONFLICT: Final = "the first content stands: a replay would bring nothing"
BLIND: Final = "looking at it ended a worker; once that is mended, --force sends it back untried"
MARK: Final = "is a mark, a promise of its moment: the next mark of the feed says more"
_CUT: Final = "the letter holds only a part of the message, which nobody could read: have it sent again, smaller"
_BATCH: Final = "the letter speaks of a batch that was never unpacked: have its messages sent again"
_LARGE: Final = "is larger than any reader takes: have it sent again, smaller"
_STRANGE: Final = "it did not come from a topic of a source or feed that is registered"


def not_ours_to_write(topic: str) -> str:
    """Why the broker refused it: on one with access control nobody but a feed's own system states its facts."""
    return f"this principal may not write to {topic}: have its system state it again"


def origin_of(letter: DeadLetter, topics: Topics) -> Origin:
    """Whose message the letter is about; the topic alone where no source or feed is registered for it."""
    return _origins(topics).get(letter.topic) or Origin("topic", letter.topic)


@lru_cache(maxsize=4)  # asked of every letter
def _origins(topics: Topics) -> dict[str, Origin]:
    sources = {topic: Origin("source", name) for topic, name in topics.accesses().items()}
    return sources | {topic: Origin("feed", name) for topic, name in topics.feeds().items()}


def is_named(letter: DeadLetter) -> bool:
    """Whether acts can name it: it is about a place of a topic. What somebody else wrote there may not be."""
    return is_name(letter.name)


def is_name(text: str) -> bool:
    """Whether this is topic/partition/offset, and so nobody's data."""
    return _NAME.fullmatch(text) is not None


def treatment(letter: DeadLetter, topics: Topics) -> Treatment:
    """What its stage says about a replay."""
    origin = origin_of(letter, topics).kind
    if letter.stage == "conflict":
        return Treatment("never", CONFLICT)
    if letter.through is not None:
        return Treatment("never", _BATCH)
    if letter.truncated is not None or letter.left_out is not None or len(letter.key or b"") >= MESSAGE_MAX:
        return Treatment("never", _CUT)
    if (letter.stage, origin) not in _KNOWN or not is_named(letter):
        return Treatment("never", _STRANGE)
    if letter.size is not None and letter.size > MESSAGE_MAX:
        return Treatment("never", _LARGE)
    return Treatment("untried", BLIND) if letter.stage == "quarantine" else Treatment("try")


_NAME: Final = re.compile(NAME_PATTERN.replace(r"\z", ""))
_KNOWN: Final = {("translate", "source"), ("register", "feed"), ("quarantine", "source"), ("quarantine", "feed")}

_BY_REASON: Final = {
    "forbidden": "One source or feed spoke for another: treat it as a security incident until it is explained.",
    "tampering": "Its source signs its messages, and has not signed this one: treat it as a security incident until it "
    "is explained. If the registry lacked the key, `replay` once it is there; else have the source send it again.",
    "kills": "Judge this access by hand, and have the project mend what it met; then `replay --force`.",
    "raises": "Judge this access by hand, and have the project mend its reader; then `replay --force`.",
    "unpacks": "Have whoever sent it send smaller batches; what lay in this one must be sent again.",
    "content_type": "Have the sender name its content as the page below says, then `replay`, or have it sent again.",
}
_BY_STAGE: Final = {
    "translate": "Have the sender repaired and the record sent again under the same id, then `drop`; or, once the "
    "reader here is mended, `replay`.",
    "register": "Soon: a duty may be missing and somebody be accused. Have the feed state the fact again, then "
    "`drop`; or, once the reader here is mended, `replay`.",
    "conflict": "Find out why one revision has two contents: counted anew after a restore, or stated twice. The first "
    "stands; a higher revision corrects it. Then `drop`.",
}


def advice(letter: DeadLetter) -> str:
    """What to do, in a sentence or two."""
    known = _BY_STAGE.get(letter.stage, "Find out who wrote it: no part of this service did.")
    return _BY_REASON.get(letter.reason, known)


def page_of(letter: DeadLetter, topics: Topics) -> str:
    """The page that says how such a message must look."""
    origin = origin_of(letter, topics)
    if letter.stage == "conflict":
        return "deploy/runbooks/IdConflict.md"
    if origin.kind == "source" and not is_canonical(letter):
        return f"streams/sources/{origin.name}.md"
    if origin.kind == "source":
        return f"schemas/published/{'heartbeat' if content_type(letter) == HEARTBEAT else 'access'}.v1.json"
    return "schemas/published/fact.v1.json" if origin.kind == "feed" else "deploy/runbooks/DeadLetters.md"


def is_canonical(letter: DeadLetter) -> bool:
    """Whether it holds JSON as the contract has it, and not a system's own message."""
    return content_type(letter) in (CANONICAL, HEARTBEAT)


def content_type(letter: DeadLetter) -> str:
    """What the message says that it holds, without parameters; canonical JSON where it says nothing."""
    said = [value for name, value in letter.headers if name.lower() == "content-type"]
    return (said[-1] or b"").decode("latin-1").lower().partition(";")[0].strip() if said else CANONICAL
