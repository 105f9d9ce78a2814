"""Who may speak for which source: keys, of which only hashes are kept, and names in client certificates. Pure.

A key is 256 bits of chance, so its plain SHA-256 tells nothing of it and needs no salt. The file:

    [ecms]
    keys = ["sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"]
    certificates = ["CN=ecms.example.org", "URI=spiffe://example.org/ecms"]
"""

from __future__ import annotations

import hashlib
import hmac
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from schemas.errors import RejectedInputError
from schemas.ids import SourceName
from schemas.model import Strict

PREFIX: Final = "ntk_"
"""Of every key, so that one that lies about is known for what it is."""
HASH: Final = "sha256:"
FILE_MAX: Final = 1_048_576  # bytes; a source takes a few hundred
EACH_MAX: Final = 20  # keys, and names, of one source: the old and the new one of each of some machines

_KeyHash = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}\z")]
_Name = Annotated[str, StringConstraints(max_length=500, pattern=r"^(CN|URI)=[^\x00-\x1f]+\z")]


class _Entry(Strict):
    keys: Annotated[tuple[_KeyHash, ...], Field(strict=False, max_length=EACH_MAX)] = ()
    certificates: Annotated[tuple[_Name, ...], Field(strict=False, max_length=EACH_MAX)] = ()


_FILE: Final = TypeAdapter(dict[SourceName, _Entry])
_SHAPES: Final = {
    "keys": 'must be a list of at most 20 texts, "sha256:" and 64 hex digits; `needtoknow receive new-key` prints one',
    "certificates": 'must be a list of at most 20 texts like "CN=..." or "URI=..."',
}


@dataclass(frozen=True, slots=True)
class Keys:
    """Hash of a key -> source, and name in a certificate -> source."""

    hashes: Mapping[bytes, SourceName] = field(default_factory=dict)
    names: Mapping[str, SourceName] = field(default_factory=dict)

    def of_key(self, key: str) -> SourceName | None:
        """Whose key it is. Takes the same time whichever it is, and for none."""
        sent = hash_of(key).encode()
        found: SourceName | None = None
        for known, source in self.hashes.items():
            if hmac.compare_digest(known, sent):
                found = source
        return found

    def of_names(self, names: Iterable[str]) -> SourceName | None:
        """Whose certificate it is, of one that was verified. One that names two sources is nobody's."""
        found = {self.names[name] for name in names if name in self.names}
        return found.pop() if len(found) == 1 else None


def hash_of(key: str) -> str:
    """What the file holds of a key."""
    return HASH + hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def read_keys(raw: bytes, sources: Collection[SourceName]) -> Keys:
    """The keys of these sources in a file. Raises RejectedInputError naming the source and what to do, never what is
    there."""
    if len(raw) > FILE_MAX:
        raise RejectedInputError("keys", f"the file is larger than {FILE_MAX} bytes")
    try:
        found = _FILE.validate_python(tomllib.loads(raw.decode()))
    except ValidationError as error:
        raise _rejected(error, sources) from None
    except UnicodeDecodeError:
        raise RejectedInputError("keys", "the file must be UTF-8") from None
    except tomllib.TOMLDecodeError:  # whose words would repeat what stands there
        raise RejectedInputError("keys", "the file is not TOML: is a quote or bracket not closed?") from None
    if found.keys() - set(sources):
        raise RejectedInputError("keys", f"a table is of no source: must be one of {', '.join(sources)}")
    hashes = _each_once(found, "keys", {s: entry.keys for s, entry in found.items()})
    names = _each_once(found, "certificates", {s: entry.certificates for s, entry in found.items()})
    return Keys(MappingProxyType({known.encode(): source for known, source in hashes.items()}), names)


def _each_once(
    found: Mapping[SourceName, _Entry], what: str, listed: Mapping[SourceName, tuple[str, ...]]
) -> Mapping[str, SourceName]:
    owners: dict[str, SourceName] = {}
    for source in found:
        for one in listed[source]:
            if owners.setdefault(one, source) != source:
                raise RejectedInputError(
                    f"{source}.{what}", f"has one that is also of {owners[one]}; each is of one source"
                )
    return MappingProxyType(owners)


def _rejected(error: ValidationError, sources: Collection[SourceName]) -> RejectedInputError:
    places = [part for part in error.errors(include_input=False, include_context=False)[0]["loc"] if part != "[key]"]
    source = places[0] if places and places[0] in sources else "*"
    field = str(places[1]) if len(places) > 1 else ""
    if field in _SHAPES:
        return RejectedInputError(f"{source}.{field}", _SHAPES[field])
    return RejectedInputError(
        str(source), "must be a table of a source, [ecms] say, with nothing but keys and certificates"
    )
