"""Canonical JSON: every source may send it, and it is what a message without content-type holds (design section 3)."""

from __future__ import annotations

from schemas.codec import check_sent, decode_access
from schemas.errors import SpeaksForAnotherError
from schemas.ids import SourceName

from .translated import Translated


def translate(source: SourceName, value: bytes) -> Translated:
    """The one access in `value`, a UTF-8 JSON object that came on the topic of `source`.

    Raises RejectedInputError naming the field; the source must act. A source can only be itself (promise 16): the
    topic says who may write to it, so a body that names another is refused whoever sent it (SpeaksForAnotherError).
    """
    access = decode_access(value)
    if access.source != source:
        raise SpeaksForAnotherError("source", "must be the source whose topic this is")
    return Translated(accesses=(check_sent(access),), is_control=False)
