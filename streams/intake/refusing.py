"""Why a request is not stored, and how whoever sent it is told. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from schemas.errors import NeedToKnowError
from schemas.metrics import Answer
from schemas.metrics import Refusal as Why
from schemas.receiving import FAULTS_MAX, Fault, Refusal

RETRY_SECONDS: Final = 2  # until a broker or a slot may be there again; whoever comes at once only adds to the load

STATUS: Final[Mapping[Why, tuple[int, str]]] = {
    "wrong": (422, "records are wrong"),
    "no_key": (401, "no key, or none that is known"),
    "not_yours": (403, "not yours"),
    "not_there": (404, "not there"),
    "too_slow": (408, "too slow"),
    "too_large": (413, "too large"),
    "not_this_type": (415, "not this type"),
    "too_often": (429, "too often"),
    "busy": (503, "busy"),
    "not_stored": (503, "not stored"),
    "ours": (500, "we are wrong"),
}
LATER: Final[frozenset[Why]] = frozenset({"too_often", "busy", "not_stored"})


class RefusedError(NeedToKnowError):
    """Nothing of this request is stored; of `not_stored` alone nobody knows, and the same may be sent again.

    `retry_after`: seconds. `faults`: what is wrong with records, of `faults_in_all`.
    """

    def __init__(
        self,
        why: Why,
        detail: str,
        *,
        status: int | None = None,
        retry_after: int = RETRY_SECONDS,
        faults: Sequence[Fault] = (),
        faults_in_all: int = 0,
    ) -> None:
        super().__init__(detail)
        self.why: Why = why
        self.detail = detail
        self.status = status or STATUS[why][0]
        self.retry_after = retry_after if why in LATER else None
        self.faults = tuple(faults)
        self.faults_in_all = faults_in_all

    @property
    def answer(self) -> Answer:
        """As metrics count it."""
        if self.why in ("not_stored", "ours"):
            return "not_stored"
        return "later" if self.why in LATER else "refused"

    def document(self) -> Refusal:
        """What whoever sent it is told."""
        return Refusal(
            type="about:blank",
            title=STATUS[self.why][1],
            status=self.status,
            detail=self.detail,
            faults=self.faults or None,
            faults_in_all=self.faults_in_all or None,
        )


def wrong_records(faults: Sequence[Fault], in_all: int) -> RefusedError:
    """Some records are wrong, and so nothing is stored."""
    first = faults[0]
    detail = f"record {first.record}: {first.field}: {first.fix}; nothing of this request is stored"
    return RefusedError("wrong", detail, faults=faults[:FAULTS_MAX], faults_in_all=in_all)
