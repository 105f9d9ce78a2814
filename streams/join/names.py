"""Numbers in place of names and fact ids: what is held by the hundred thousand is held as columns of numbers."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Final

NONE: Final = -1
_FIRST_SLOTS: Final = 1024
_GROWS: Final = 2  # times
_HASHES: Final = 0xFFFF_FFFF  # the bits that are kept of a hash; what is equal in them is compared


class Names(dict[str, int]):
    """Numbers names as they come."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[str] = []

    def put(self, names: list[str]) -> None:
        """Number these, in this order; there were none before."""
        self.all = names
        self.update(zip(names, range(len(names)), strict=True))

    def __missing__(self, name: str) -> int:
        number = self[name] = len(self.all)
        self.all.append(name)
        return number


def text_of(feed: str, fact_id: str) -> str:
    """What a fact is called among those of all feeds."""
    return f"{feed}/{fact_id}"  # a feed's name has no slash


class FactIds:
    """Numbers facts by feed and fact_id as they come.

    A dictionary would take 150 bytes for each: this takes 16 to 24 and the text. Open addressing over a power of two of
    slots, never more than half of them used. All texts together may take 4 GiB, those of some 200 million facts, which
    would need 50 GiB of memory; beyond that OverflowError is raised.
    """

    def __init__(self) -> None:
        self._slots = array("I", bytes(4 * _FIRST_SLOTS))  # number + 1; 0: free
        self._hashes = array("I")
        self._ends = array("I")  # of each text
        self._texts = bytearray()

    def __len__(self) -> int:
        return len(self._hashes)

    def number(self, feed: str, fact_id: str) -> tuple[int, bool]:
        """Its number, and whether it is new."""
        text = text_of(feed, fact_id).encode()
        hashed = hash(text) & _HASHES
        slot, found = self._look_up(text, hashed)
        if found != NONE:
            return found, False
        return self._take(slot, text, hashed), True

    def number_new(self, texts: Sequence[str], start: int) -> int:
        """Number these from `start` on, for as long as each is new; where that ends. An empty one is none, and ends it.

        A text is as `text_of` has it.
        """
        for at in range(start, len(texts)):
            text = texts[at].encode()
            hashed = hash(text) & _HASHES
            slot, found = self._look_up(text, hashed)
            if found != NONE or not text:
                return at
            self._take(slot, text, hashed)
        return len(texts)

    def text(self, number: int) -> tuple[str, str]:
        """Feed and fact_id."""
        feed, _, fact_id = self._bytes(number).decode().partition("/")
        return feed, fact_id

    def columns(self) -> tuple[array[int], array[int]]:
        """All texts, and where each ends."""
        return array("B", self._texts), array("I", self._ends)

    def put(self, texts: array[int], ends: array[int]) -> None:
        """Number these instead. Hashes are of this process."""
        self._texts, self._ends = bytearray(texts.tobytes()), ends
        self._hashes = array("I", (hash(self._bytes(number)) & _HASHES for number in range(len(ends))))
        slots = _FIRST_SLOTS
        while slots < 2 * len(ends):
            slots *= _GROWS
        self._fill(slots)

    def _take(self, slot: int, text: bytes, hashed: int) -> int:
        number = len(self._hashes)
        self._slots[slot] = number + 1
        self._hashes.append(hashed)
        self._texts += text
        self._ends.append(len(self._texts))
        if 2 * number > len(self._slots):
            self._fill(_GROWS * len(self._slots))
        return number

    def _look_up(self, text: bytes, hashed: int) -> tuple[int, int]:
        """Where it is or would be, and its number or NONE."""
        slots, hashes, mask = self._slots, self._hashes, len(self._slots) - 1
        slot = hashed & mask
        while (number := slots[slot] - 1) != NONE:
            if hashes[number] == hashed and self._bytes(number) == text:
                return slot, number
            slot = (slot + 1) & mask
        return slot, NONE

    def _bytes(self, number: int) -> bytes:
        start = self._ends[number - 1] if number else 0
        return bytes(self._texts[start : self._ends[number]])

    def _fill(self, size: int) -> None:
        slots = array("I", bytes(4 * size))
        mask = len(slots) - 1
        for number, hashed in enumerate(self._hashes, 1):
            slot = hashed & mask
            while slots[slot]:
                slot = (slot + 1) & mask
            slots[slot] = number
        self._slots = slots
