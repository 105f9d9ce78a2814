"""Slips that are broken or meant to harm, each of which must be rejected; and strange ones that are legal.

Every value of the plain slip that is somebody's data has ZEB in it, so that a test can look for it in error texts.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

PLAIN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Slip Number": "ZEB-0457",
        "Date Out": "01/05/2026",
        "Time Out": "14:05",
        "Date Returned": "01/07/2026",
        "Record Type": "case",
        "Record Number": "ZEB0042",
        "Signed By": "ZEB04412",
        "Requested For": "ZEB05120",
        "Purpose": "Zebra hearing",
        "Copies": "3",
        "Given To": "Zebediah Okafor, Esq.",
        "Result": "given",
        "Typed By": "ZEB00311",
        "Typed On": "01/08/2026",
    }
)


def message(cells: Mapping[str, str]) -> bytes:
    """A slip with these cells, in this order, quoted where they must be."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([cells.keys(), cells.values()])
    return out.getvalue().removesuffix("\n").encode()


def slip(**changes: str) -> bytes:
    """The plain slip with other cells: `date_out` is the column Date Out."""
    return message({**PLAIN, **{name.replace("_", " ").title(): text for name, text in changes.items()}})


def _without(column: str) -> bytes:
    return message({name: text for name, text in PLAIN.items() if name != column})


GOOD: Final = slip()
_HEADER, _ROW = GOOD.split(b"\n")
_REFUSED: Final = {"result": "refused", "date_returned": "", "copies": "", "given_to": ""}

HOSTILE: Final[dict[str, bytes]] = {
    # broken on its way
    "nothing but a newline": b"\n",
    "header without a row": _HEADER,
    "header and an empty row": _HEADER + b"\n",
    "row without a header": _ROW,
    "cut off inside a quoted cell": GOOD[: GOOD.index(b"Okafor")],
    "cut off after a comma": GOOD[: GOOD.index(b"01/08/2026")],
    "cut off inside the last year": GOOD[:-2],
    "two rows": GOOD + b"\n" + _ROW,
    "two line ends": GOOD + b"\n\n",
    "a cell too many": GOOD + b",",
    "a comma that is not quoted": GOOD.replace(b'"', b""),
    "old line ends": GOOD.replace(b"\n", b"\r"),
    "a carriage return twice": GOOD.replace(b"\n", b"\r\r\n"),
    "semicolons": GOOD.replace(b",", b";"),
    "tabs": GOOD.replace(b",", b"\t"),
    "JSON": b'{"Slip Number":"ZEB-0457"}\n',
    # quotes
    "a quote that is never closed": GOOD.replace(b'Esq."', b"Esq."),
    "a quote inside a plain cell": slip().replace(b"Zebra hearing", b'Zebra "hearing"'),
    "text after a closing quote": slip().replace(b'Esq."', b'Esq."zebra'),
    "a space before a quote": slip().replace(b'"Zebediah', b' "Zebediah'),
    "only quotes": _HEADER + b"\n" + b'"' * 40_001,
    # encodings
    "UTF-16": GOOD.decode().encode("utf-16"),
    "UTF-16 without a mark": GOOD.decode().encode("utf-16-le"),
    "UTF-32": GOOD.decode().encode("utf-32"),
    "Windows-1252": GOOD.replace(b"Zebediah", b"Zeb\xe9diah"),
    "EBCDIC": GOOD.decode().encode("cp037"),
    "overlong slash": GOOD.replace(b"01/05/2026", b"01\xc0\xaf05\xc0\xaf2026"),
    "a surrogate": GOOD.replace(b"hearing", b"\xed\xa0\x80"),
    "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbf" + GOOD,
    "a character that was lost": slip(given_to="Zeb\ufffddiah"),
    # bombs
    "larger than any message": GOOD + b" " * 65_536,
    "sixty thousand columns": b"," * 60_000 + b"\n" + _ROW,
    "sixty thousand cells": _HEADER + b"\n" + b"," * 60_000,
    "a purpose of 60,000 characters": slip(purpose="z" * 60_000),
    "a recipient of 501 characters": slip(given_to="z" * 501),
    "a slip number of 30,000 hyphens": slip(slip_number="A-" * 30_000),
    "a record number of 201 characters": slip(record_number="9" * 201),
    "a million copies": slip(copies="1000000"),
    "copies of 5,000 digits": slip(copies="9" * 5_000),
    "a year of 5,000 digits": slip(date_out="01/05/" + "2" * 5_000),
    # columns
    "a column missing": _without("Copies"),
    "nobody asked who took it": _without("Given To"),
    "a column twice": message({**PLAIN, "COPIES ": ""}),
    "a column that looks alike": GOOD.replace(b"Copies", "\u0421opies".encode()),
    "a column with a long s": GOOD.replace(b"Purpose", "Purpo\u017fe".encode()),
    "a column with a hard space": GOOD.replace(b"Given To", "Given\u00a0To".encode()),
    # look-alikes and what is not seen
    "Arabic digits in a date": slip(date_out="\u0660\u0661/\u0660\u0665/\u0662\u0660\u0662\u0666"),
    "full-width digits in a time": slip(time_out="\uff11\uff14:\uff10\uff15"),
    "superscript copies": slip(copies="\xb3"),
    "Cyrillic in a slip number": slip(slip_number="Z\u0415B-0457"),
    "Cyrillic in a staff number": slip(signed_by="Z\u0415B04412"),
    "a dotless i in the record type": slip(record_type="serv\u0131ce"),
    "a hyphen that is a dash": slip(slip_number="ZEB\u20110457"),
    "a slash that is a fraction": slip(date_out="01\u204405\u20442026"),
    "right-to-left marks in a name": slip(given_to="Zeb\u202eoibe\u202c"),
    "a name of nothing that is seen": slip(given_to="\u200b"),
    "tags in a purpose": slip(purpose="zebra\U000e0041\U000e007f"),
    "NUL": slip(record_number="ZEB\x000042"),
    "NUL in a purpose": slip(purpose="zebra\x00"),
    "a bell in who typed it": slip(typed_by="ZEB\x07"),
    "a carriage return that overwrites": slip(purpose="zebra\rhearing"),
    "a terminal escape": slip(given_to="\x1b[2J\x1b]0;zebra\x07Zeb"),
    "a C1 terminal escape": slip(purpose="zebra \x9b31m"),
    "a new paragraph": slip(given_to="Zeb\u2029Okafor"),
    # injection
    "a formula as a name": slip(given_to='=HYPERLINK("http://zebra.invalid","Zeb")'),
    "a formula as a record": slip(record_number="=1+1"),
    "a formula as a staff number": slip(signed_by="@SUM(A1)"),
    "a formula as copies": slip(copies="=3"),
    "SQL as a slip number": slip(slip_number="ZEB';DROP"),
    "a path as a slip number": slip(slip_number="../ZEB"),
    "a line end in a slip number": slip(slip_number="ZEB-0457\n"),
    "a line end in a staff number": slip(signed_by="ZEB04412\nZEB05120"),
    # numbers that a spreadsheet has changed
    "a rounded record number": slip(record_number="1.23E+11"),
    "a rounded staff number": slip(signed_by="4.4E+06"),
    "a slip number turned into a month": slip(slip_number="Dec-57"),
    "copies with a fraction": slip(copies="3.0"),
    "negative copies": slip(copies="-1"),
    # dates and times
    "a two-digit year": slip(date_out="01/05/26"),
    "a day without its zero": slip(date_out="1/5/2026"),
    "the day first": slip(date_out="25/01/2026"),
    "dots in a date": slip(date_out="05.01.2026"),
    "a week date": slip(date_out="2026-W02-1"),
    "a date with a time": slip(date_out="2026-01-05T14:05"),
    "a date with an offset": slip(typed_on="2026-01-08Z"),
    "a day number": slip(date_out="46027"),
    "the 30th of February": slip(date_out="02/30/2026"),
    "month 0": slip(date_out="2026-00-05"),
    "another century": slip(date_out="01/05/1899"),
    "the last year there is": slip(typed_on="12/31/9999"),
    "no day out": slip(date_out=""),
    "no day typed": slip(typed_on=""),
    "24:00": slip(time_out="24:00"),
    "minute 60": slip(time_out="14:60"),
    "afternoon": slip(time_out="2:05 PM"),
    "seconds": slip(time_out="14:05:00"),
    "an hour that no clock showed": slip(
        date_out="03/08/2026", time_out="02:30", date_returned="", typed_on="03/09/2026"
    ),
    "returned before it was out": slip(date_returned="01/04/2026"),
    "returned after it was typed": slip(date_returned="01/09/2026"),
    "typed before it was out": slip(date_returned="", typed_on="01/04/2026"),
    # what cannot be together, or is not said
    "refused and returned": slip(**_REFUSED | {"date_returned": "01/07/2026"}),
    "refused and copied": slip(**_REFUSED | {"copies": "1"}),
    "refused and given away": slip(**_REFUSED | {"given_to": "Zebediah"}),
    "no result": slip(result=""),
    "another result": slip(result="zebra"),
    "no record type": slip(record_type=""),
    "criteria as a record type": slip(record_type="criteria"),
    "no record": slip(record_number=""),
    "no slip number": slip(slip_number=" "),
    "a slip number in small letters": slip(slip_number="zeb-0457"),
    "no signature": slip(signed_by=""),
    "a name for a staff number": slip(signed_by="Zebediah Okafor"),
    "a name for whom it was": slip(requested_for="Zebediah Okafor"),
    "a dash for nobody": slip(given_to="-"),
    "a long dash for nobody": slip(given_to="\u2014"),
    "a dash for no copies": slip(copies="-"),
}

HARMLESS: Final[dict[str, bytes]] = {
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "CR LF": GOOD.replace(b"\n", b"\r\n"),
    "a line end at the end": GOOD + b"\n",
    "every cell quoted": b"\n".join(
        b",".join(b'"%s"' % cell.encode() for cell in cells) for cells in (PLAIN.keys(), PLAIN.values())
    ),
    "columns the other way round": message(dict(reversed(PLAIN.items()))),
    "names without capitals and spaces": GOOD.replace(_HEADER, _HEADER.lower().replace(b" ", b"")),
    "columns that nobody knows": message(
        {**PLAIN, "Shelf": "=1+1", "": "\x1b[2J", "\u0421opies": "\u202e", "Copies made": "9"}
    ),
    "spaces around everything": message({name: f"  {text} " for name, text in PLAIN.items()}),
    "capitals": slip(result="GIVEN", record_type="CASE"),
    "nothing that may be blank": slip(
        time_out="", date_returned="", requested_for="", purpose="", copies="", given_to="", typed_by=""
    ),
    "a purpose on several lines": slip(purpose='Zebra said "now",\r\n\tthen\nleft'),
    "a purpose that is a formula": slip(purpose="=1+1"),
    "a purpose of SQL and markup": slip(purpose="'; DROP TABLE slips; -- <script>alert(1)</script> {{7*7}} %n$s"),
    "a purpose of 2,000 characters": slip(purpose="ž" * 2_000),
    "names of other scripts": slip(given_to="זאב כהן، 斑馬, Żebrowska-Ó Néill 🦓"),
    "a recipient of 500 characters": slip(given_to="z" * 500),
    "a staff number that is like an old login": slip(signed_by="Zebra,Jane#12"),
    "the same staff number twice": slip(requested_for="ZEB04412"),
    "leading zeros": slip(copies="00003", signed_by="000", record_number="0000"),
    "no copies said as 0": slip(copies="0"),
    "refused without copies": slip(**_REFUSED | {"copies": "0"}),
    "all on one day": slip(date_returned="01/05/2026", typed_on="2026-01-05"),
    "out for thirty years": slip(date_out="01/05/1996", date_returned="2026-01-05"),
    "the 29th of February": slip(date_out="02/29/2024"),
    "the first day there is": slip(date_out="01/01/1900"),
    "an hour that happened twice": slip(date_out="11/02/2025", time_out="01:30"),
}
