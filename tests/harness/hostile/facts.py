"""Lines of FACTS' nightly file that are broken or meant to do harm, and some that are only strange."""

from __future__ import annotations

import gzip
from typing import Final

SECRET: Final = "ZEBRA987"  # stands for somebody's data: no error may repeat it

WIDTH: Final = 96
GOOD: Final = b"D000000900120260105081403HENDERSOVEWCC0042               DHS04T17S".ljust(WIDTH)
HEADER: Final = b"HFACTSAUD0220260105000412".ljust(WIDTH)
TRAILER: Final = b"T0000000006f0e1d2c3b4a596870004120000009006".ljust(WIDTH)


def put(column: int, text: bytes, line: bytes = GOOD) -> bytes:
    """The line with something written over it from a column, the first being 1."""
    assert column - 1 + len(text) <= WIDTH
    return line[: column - 1] + text + line[column - 1 + len(text) :]


_SHAPE: Final = {
    "one byte": b"\0",
    "a newline": b"\n",
    "a line end behind": GOOD + b"\n",
    "a carriage return behind": GOOD + b"\r",
    "one column short": GOOD[:-1],
    "one column long": GOOD + b" ",
    "two lines": GOOD + b"\n" + GOOD,
    "the right length and nothing else": b" " * WIDTH,
    "zero bytes": b"\0" * WIDTH,
    "64 KiB of D": b"D" * 65_536,
    "a mebibyte": b"D" * 1_048_576,
    "gzip": gzip.compress(GOOD, mtime=0),
    "UTF-16": GOOD.decode().encode("utf-16-le"),
    "EBCDIC": GOOD.decode().encode("cp037"),
    "a byte order mark": b"\xef\xbb\xbf" + GOOD[:-3],
    "JSON": b'{"event_id":"facts-1"}',
    "a tab for spaces": GOOD.rstrip() + b"\t" * (WIDTH - len(GOOD.rstrip())),
    "a record of another type": put(1, b"X"),
    "a type in lower case": put(1, b"d"),
}
_FIELDS: Final = {
    "a letter O in the number": put(2, b"00000O9001"),
    "no number": put(2, b" " * 10),
    "a negative number": put(2, b"-000009001"),
    "digits of another script": put(2, "\u0660".encode() + b"00009001"),
    "February 30": put(12, b"20260230"),
    "month 13": put(12, b"20261301"),
    "day 0": put(12, b"20260100"),
    "another century": put(12, b"18990105"),
    "the year 9999": put(12, b"99990105"),
    "a date by slashes": put(12, b"01/05/26"),
    "hour 24": put(20, b"246000"),
    "minute 60": put(20, b"086000"),
    "a leap second": put(20, b"235960"),
    "an hour that no clock showed": put(12, b"20260308023000"),
    "no user": put(26, b" " * 8),
    "a user in lower case": put(26, b"henderso"),
    "a user with a space within": put(26, b"HEN ERSO"),
    "a user not at the left": put(26, b" ENDERSO"),
    "a user with an escape": put(26, b"\x1b[31mRED"),
    "a user with a zero byte": put(26, b"HEN\0ERSO"),
    "an unknown function": put(34, SECRET[:3].encode()),
    "a function in lower case": put(34, b"vew"),
    "no function": put(34, b"   "),
    "an unknown kind": put(37, b"Z"),
    "no record": put(38, b" " * 20),
    "a record with a space within": put(38, b"C 042".ljust(20)),
    "a record with a bell": put(38, b"C\x07042".ljust(20)),
    "a terminal with a space within": put(58, b"DHS 4T17"),
    "a terminal with a line end": put(58, b"DHS\n4T17"),
    "an unknown result": put(66, b"X"),
    "no result": put(66, b" "),
    "something behind": put(67, SECRET.encode()),
    "a formula behind": put(67, b"=cmd|'/C'!A0"),
    "something in the last column": put(WIDTH, b"!"),
    "another system's header": put(2, b"FACTS2AU", HEADER),
    "a layout of tomorrow": put(10, b"03", HEADER),
    "a header without a file number": put(20, b" " * 6, HEADER),
    "a header that says more": put(40, SECRET.encode(), HEADER),
    "a trailer without a count": put(2, b" " * 10, TRAILER),
    "a control hash in capitals": put(12, b"F0E1D2C3B4A59687", TRAILER),
    "a control hash cut off": put(12, b"f0e1d2c3        ", TRAILER),
    "a trailer of no file": put(28, b" " * 6, TRAILER),
    "a trailer without a last number": put(34, b" " * 10, TRAILER),
    "a trailer that says more": put(50, SECRET.encode(), TRAILER),
    "more lines than numbers": put(2, b"0000009008", TRAILER),
}

HOSTILE: Final[dict[str, bytes]] = _SHAPE | _FIELDS
"""Each must be rejected."""

HARMLESS: Final[dict[str, bytes]] = {
    "the usual one": GOOD,
    "without a terminal": put(58, b" " * 8),
    "a user with an apostrophe": put(26, b"O'NEIL#2"),
    "a record that looks like a formula": put(38, b"=1+1".ljust(20)),
    "a record that looks like markup": put(38, b"<b>&amp;</b>".ljust(20)),
    "a record that looks like SQL": put(38, b"';DROP--".ljust(20)),
    "a record of twenty characters": put(38, b"C" * 20),
    "the highest number": put(2, b"9" * 10),
    "the first second of a year": put(12, b"20260101000000"),
}
