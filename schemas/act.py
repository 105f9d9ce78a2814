"""Act: one thing that a person, or the service itself, did to an alert (design section 9).

All acts of an installation have one order and one chain: each carries the digest of the one before, so that none can be
changed, moved or taken out unnoticed. An alert is what its acts come to, and nothing else.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Final, Literal, get_args

import orjson
from pydantic import Field, StringConstraints

from .access import Action, Result
from .finding import Certainty, Finding, MessagePlace
from .ids import Id, Instant, SourceName
from .model import Strict

Disposition = Literal["justified", "confirmed", "policy_unclear", "data_error"]
"""What a person decided. Only a person confirms; the machine finds."""
Obligation = Literal["discipline", "referral"]
"""What a confirmed violation calls for: discipline "without exception", and the question of criminal prosecution."""
Role = Literal["viewer", "analyst", "investigator", "law", "auditor", "admin"]

ROLES: Final[tuple[Role, ...]] = get_args(Role)
WORDS_MAX: Final = 4_000  # characters of what a person writes: a page, and far below a message's 64 KiB
LISTED_MAX: Final = 200  # earlier accesses that one act lists: some 40 KiB
GENESIS: Final = "0" * 64
"""What the first act has in place of the digest of the one before."""

AlertId = Annotated[str, StringConstraints(pattern=r"^a_[0-9a-f]{32}\z")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}\z")]
TEXT_PATTERN: Final = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+\z"  # no control characters but tab and line ends
Words = Annotated[str, StringConstraints(min_length=1, max_length=WORDS_MAX, pattern=TEXT_PATTERN)]
Count = Annotated[int, Field(ge=0)]
Number = Annotated[int, Field(ge=1)]


class OfFinding(Strict):
    """What acts about a finding carry: the transition that stands, the highest certainty of all, and where it lies."""

    finding: Finding
    certainty: Certainty
    place: MessagePlace


class Raised(OfFinding):
    """The alert came to be, with its first finding."""

    kind: Literal["raised"]


class Added(OfFinding):
    """One more finding of the same person, record and clause."""

    kind: Literal["added"]


class Revised(OfFinding):
    """A finding of this alert says something else now: withdrawn, reinstated, or the same of another certainty.

    `moved_to`: it names another person or clause now, and belongs to that alert.
    """

    kind: Literal["revised"]
    moved_to: AlertId | None


class Supplemented(OfFinding):
    """The same after a person has acted on the alert, also for a finding that is new to it: filed, for them to read."""

    kind: Literal["supplemented"]
    moved_to: AlertId | None


class Withdrawn(Strict):
    """Closed by the service: none of its findings stands any more, and nobody had touched it."""

    kind: Literal["withdrawn"]


class Acknowledged(Strict):
    """Somebody took it. They hold it until they give it back or close it."""

    kind: Literal["acknowledged"]


class Released(Strict):
    """Given back, for somebody else to take."""

    kind: Literal["released"]
    why: Words


class Closed(Strict):
    """Decided by a person. `refer`: the Law Department is to be asked whether it is prosecuted."""

    kind: Literal["closed"]
    disposition: Disposition
    why: Words
    refer: bool


class Reopened(Strict):
    """Open once more: a person said so, or the service, because the supplement just before it calls for a person."""

    kind: Literal["reopened"]
    why: Words


class Noted(Strict):
    """Somebody wrote something down."""

    kind: Literal["noted"]
    text: Words


class Revealed(Strict):
    """Somebody was shown the record and the person behind the masks, and said what for."""

    kind: Literal["revealed"]
    why: Words


class Exported(Strict):
    """Somebody took a copy of it away."""

    kind: Literal["exported"]
    why: Words


class EarlierAccess(Strict):
    """One access that a look-back found, and where its message lies."""

    event_id: Id
    source: SourceName
    action: Action
    result: Result
    occurred_at: Instant
    message: MessagePlace


class LookedBack(Strict):
    """Every access of this person to this record before the first that was found, listed in parts.

    `counted` is how many there are in all, `since` the append time of the oldest message that could still be read.
    """

    kind: Literal["looked_back"]
    part: Number
    parts: Number
    counted: Count
    since: Instant
    accesses: Annotated[tuple[EarlierAccess, ...], Field(strict=False, max_length=LISTED_MAX)]


class Recorded(Strict):
    """An obligation was met; `reference` names the record of it, outside this system."""

    kind: Literal["recorded"]
    obligation: Obligation
    reference: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=TEXT_PATTERN)]


Body = Annotated[
    Raised
    | Added
    | Revised
    | Supplemented
    | Withdrawn
    | Acknowledged
    | Released
    | Closed
    | Reopened
    | Noted
    | Revealed
    | Exported
    | LookedBack
    | Recorded,
    Field(discriminator="kind"),
]
ActKind = Literal[
    "raised",
    "added",
    "revised",
    "supplemented",
    "withdrawn",
    "acknowledged",
    "released",
    "closed",
    "reopened",
    "noted",
    "revealed",
    "exported",
    "looked_back",
    "recorded",
]


class Actor(Strict):
    """Who acted: the staff member, by which sign-in, and in which role."""

    staff: Id
    login: Id
    role: Role


class Act(Strict):
    """One thing done to one alert. `number` counts all acts, `version` those of the alert; both without a gap.

    `by` is null for what the service did itself. `key` is the client's: the same command sent again is the same act.
    """

    number: Number
    alert_id: AlertId
    version: Number
    at: Instant
    by: Actor | None
    key: Id | None
    body: Body
    previous: Digest
    digest: Digest


def digest(act: Act) -> str:
    """SHA-256, in hex, of the act without its digest: JSON with sorted keys. It covers the digest of the act before."""
    document = act.model_dump(mode="json", exclude={"digest"})
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()
