"""Messages of Accurint as somebody would send who means harm, or whose program is broken; and odd ones that are legal.

The hostile ones must be rejected as a row of a usage export and as a part of a job; each harmless one is one of both.
"""

from __future__ import annotations

from typing import Final

from streams.sources.accurint import HEADER

ROW: Final = 'T1001,2026-01-05 08:14:03,rivera,S-81,PERSON,3,5,DHS C0042,"Doe, Jane",123-45-6789,,,,17'
STATING: Final = "T1000,2026-01-05 08:10:00,rivera,S-81,PERSON,3,5,DHS C0042,Roe,,,,,2"
LATER: Final = "T1001,2026-01-05 08:14:03,rivera,S-81,PERSON,,,,Poe,,,,,17"
HEAD: Final = "JOB,1,J-7,rivera,S-81,2026-01-05 09:00:00,3,5,placements,200"
LINES: Final = ("17,,,,,001234567890", '18,"Doe, Jane",123-45-6789,,,')


def usage(*rows: str) -> bytes:
    """A message of the usage export."""
    return "\n".join((HEADER, *rows)).encode()


def part(*lines: str, head: str = HEAD, says: str = "PART,17,2") -> bytes:
    """A part of a job."""
    return "\n".join((head, says, *lines)).encode()


def row(old: str, new: str) -> bytes:
    """A usage message whose one row has something else in it."""
    assert old in ROW
    return usage(ROW.replace(old, new, 1))


def head(old: str, new: str) -> bytes:
    """A part whose head has something else in it."""
    assert old in HEAD
    return part(*LINES, head=HEAD.replace(old, new, 1))


HOSTILE: Final[dict[str, bytes]] = {
    # not this layout at all
    "one byte": b"\x00",
    "NULs": b"\x00" * 4096,
    "JSON": b'{"event_id":"accurint-T1001","source":"accurint"}',
    "XML that grows": b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>',
    "deep brackets": b"[" * 60_000,
    "a zip file": b"PK\x03\x04" + b"\x00" * 26,
    "gzip": b"\x1f\x8b\x08\x00" + b"\x00" * 20,
    "UTF-16": usage(ROW).decode().encode("utf-16"),
    "UTF-16 without mark": usage(ROW).decode().encode("utf-16-le"),
    "UTF-7": usage(ROW).decode().encode("utf-7").replace(b"_", b"+AF8-"),
    "EBCDIC": usage(ROW).decode().encode("cp037"),
    "byte order mark": b"\xef\xbb\xbf" + usage(ROW),
    "Windows-1252": usage(ROW).replace(b"Jane", b"Jos\xe9"),
    "overlong UTF-8": usage(ROW).replace(b"Jane", b"\xc0\xaf"),
    "half a surrogate": usage(ROW).replace(b"Jane", b"\xed\xa0\x80"),
    # framing of a usage message
    "header alone": usage(),
    "row without header": ROW.encode(),
    "header in capitals": usage(ROW).replace(HEADER.encode(), HEADER.upper().encode()),
    "header with a look-alike": usage(ROW).replace(b"user_id", "us\u0435r_id".encode()),
    "semicolons": usage(ROW).replace(b",", b";"),
    "tabs": usage(ROW).replace(b",", b"\t"),
    "three rows": usage(STATING, STATING, LATER),
    "newline at the end": usage(ROW) + b"\n",
    "CR LF": usage(ROW).replace(b"\n", b"\r\n"),
    "CR alone": usage(ROW).replace(b"\n", b"\r"),
    "too large": usage(ROW.replace("Jane", "J" * 66_000)),
    "commas without end": usage("," * 60_000),
    "quotes without end": usage('"' * 60_001),
    "truncated in a quote": usage(ROW[: ROW.index("Jane")]),
    "truncated in a field": usage(ROW[:40]),
    "a column more": usage(ROW + ",x"),
    "quote inside a field": row("DHS C0042", 'DHS "C0042"'),
    "text behind a quote": row('Jane"', 'Jane"x'),
    "line break in a quote": row("Doe, Jane", "Doe,\nJane"),
    # fields of a usage message
    "NUL in a name": row("Jane", "Ja\x00ne"),
    "terminal escape in a name": row("Jane", "\x1b]0;owned\x07"),
    "C1 escape in a reference": row("DHS", "\x9b31m"),
    "bell in a reference": row("DHS", "\x07"),
    "right-to-left in a reference": row("DHS", "\u202eSHD"),
    "isolate in a reference": row("DHS", "\u2066DHS"),
    "invisible space in a reference": row("DHS", "D\u200bHS"),
    "line separator in a reference": row("DHS", "D\u2028HS"),
    "reference as long as a book": row("DHS", "D" * 2001),
    "formula as user": row("rivera", "=cmd|'/c calc'!A1"),
    "at-sign formula as session": row("S-81", "@SUM(1+1)"),
    "minus formula as user": row("rivera", "-2+3"),
    "SQL as user": row("rivera", "x';DROP TABLE staff--"),
    "path as session": row("S-81", "../../etc/passwd"),
    "template as user": row("rivera", "${jndi:ldap://x}"),
    "markup as user": row("rivera", "<script>alert(1)</script>"),
    "look-alike user": row("rivera", "riv\u0435ra"),
    "user with a space": row("rivera", "rivera "),
    "user left out": row("rivera", ""),
    "session left out": row("S-81", ""),
    "user of 101": row("rivera", "r" * 101),
    "transaction left out": row("T1001", ""),
    "transaction that looks like a job's line": row("T1001", "J-7-17"),
    "transaction of other digits": row("T1001", "T\u0661"),
    "time of another world": row("2026-01-05 08:14:03", "0000-00-00 00:00:00"),
    "time that no clock showed": row("2026-01-05 08:14:03", "2026-03-08 02:30:00"),
    "leap second": row("08:14:03", "23:59:60"),
    "hour 24": row("08:14:03", "24:00:00"),
    "minute 60": row("08:14:03", "08:60:03"),
    "year 9999": row("2026-01-05", "9999-12-31"),
    "year 1899": row("2026-01-05", "1899-12-31"),
    "30 February": row("2026-01-05", "2026-02-30"),
    "time with an offset": row("08:14:03", "08:14:03+14:00"),
    "time to the minute": row("08:14:03", "08:14"),
    "American date": row("2026-01-05 08:14:03", "01/05/2026 08:14:03"),
    "serial date of a table": row("2026-01-05 08:14:03", "46027.3430"),
    "other digits in a date": row("2026", "\u0662\u0660\u0662\u0666"),
    "search type unknown": row("PERSON", "PERSONS"),
    "search type in small letters": row("PERSON", "person"),
    "purpose that is a word": row(",3,5,", ",LAW,5,"),
    "purpose of 100 digits": row(",3,5,", f",3,{'9' * 100},"),
    "purpose with a zero before it": row(",3,5,", ",03,5,"),
    "negative purpose": row(",3,5,", ",-3,5,"),
    "huge number of results": row(",17", f",{'9' * 5000}"),
    "negative results": row(",17", ",-1"),
    "results as a power": row(",17", ",1E3"),
    "results of other digits": row(",17", ",\uff11"),
    "search without criteria": row('"Doe, Jane",123-45-6789', ","),
    "search with spaces as criteria": row('"Doe, Jane",123-45-6789', " ,\u200b"),
    "search with a LexID": row(",,17", ",001234567890,17"),
    "report without a LexID": row("PERSON", "COMPREHENSIVE_REPORT"),
    "LexID as a table program shows it": usage("T1,2026-01-05 08:14:03,rivera,S-81,REPORT_DOWNLOAD,,,,,,,,1.23E+09,"),
    "LexID without its zeros": usage("T1,2026-01-05 08:14:03,rivera,S-81,REPORT_DOWNLOAD,,,,,,,,1234567890,"),
    # inheriting
    "stating row of another user": usage(STATING.replace("rivera", "tran"), LATER),
    "stating row of another session": usage(STATING.replace("S-81", "S-82"), LATER),
    "stating row that is later": usage(STATING.replace("08:10:00", "08:14:04"), LATER),
    "stating row without purposes": usage(STATING.replace(",3,5,", ",,,"), LATER),
    "stating row with a wrong purpose": usage(STATING.replace(",3,5,", ",3,x,"), LATER),
    "stating row with a wrong time": usage(STATING.replace("08:10", "08:77"), LATER),
    "stating row cut off": usage(STATING[:50], LATER),
    "stating row not needed": usage(STATING, ROW),
    "empty stating row": usage("", LATER),
    # parts of a job
    "head alone": HEAD.encode(),
    "part without persons": part(says="PART,17,0"),
    "part that says it is empty": part(*LINES, says="PART,17,0"),
    "part line missing": "\n".join((HEAD, *LINES)).encode(),
    "part of other lines than it says": part(*LINES, says="PART,16,2"),
    "part with a line missing": part(LINES[0]),
    "part with a line twice": part(LINES[0], LINES[0]),
    "part in the wrong order": part(LINES[1], LINES[0]),
    "part past the end of the job": head(",200", ",17"),
    "part from line 0": part(*LINES, says="PART,0,2"),
    "part with a huge number": part(*LINES, says=f"PART,{'9' * 5000},2"),
    "part of too many": part(*(f"{n},,,,,001234567890" for n in range(1, 1002)), says="PART,1,1001").replace(
        b",200\n", b",2000\n"
    ),
    "part that is too large": part(*(f"{n},{'J' * 4000},,,," for n in range(17, 34)), says="PART,17,17"),
    "two heads": part(HEAD, *LINES),
    "head with a layout to come": head("JOB,1", "JOB,2"),
    "head in small letters": head("JOB", "job"),
    "head for nobody": head(",200", ",0"),
    "head for too many": head(",200", ",200001"),
    "head for minus one": head(",200", ",-1"),
    "head without a count": head(",200", ","),
    "head with a column less": head(",200", ""),
    "job left out": head("J-7", ""),
    "job with a slash": head("J-7", "J/7"),
    "job with a space": head("J-7", "J 7"),
    "job as a formula": head("J-7", "=1+1"),
    "job with a NUL": head("J-7", "J\x007"),
    "job submitted when no clock showed it": head("2026-01-05 09:00:00", "2026-03-08 02:00:00"),
    "job submitted on a day alone": head("2026-01-05 09:00:00", "2026-01-05"),
    "job with a right-to-left reference": head("placements", "\u202eplacements"),
    "job with a wrong purpose": head(",3,5,", ",3;5,,"),
    "line about nobody": part(LINES[0], "18,,,,,"),
    "line with a short LexID": part(LINES[0], "18,Doe,,,,7"),
    "line with an escape": part(LINES[0], "18,\x1b[2J,,,,"),
    "line with a zero before its number": part(LINES[0], "018,Doe,,,,"),
    "line with a column more": part(LINES[0], "18,Doe,,,,,"),
    "line with half a quote": part(LINES[0], '18,"Doe,,,,'),
    "newline at the end of a part": part(*LINES) + b"\n",
    "usage rows in a job": part(ROW, ROW),
}

HARMLESS: Final[dict[str, bytes]] = {
    "everything quoted": usage(",".join(f'"{text}"' for text in STATING.split(","))),
    "quotes in quotes": row("Doe, Jane", '""Janie"" Doe'),
    "formula as criteria": row("Doe, Jane", "=1+1"),
    "formula as reference": row("DHS C0042", "=1+1"),
    "right-to-left in a name": row("Jane", "\u202eJane"),
    "unbreakable space in a reference": row("DHS C", "DHS\u00a0C"),
    "name in another script": row("Doe, Jane", "\u0627\u0644\u062d\u0633\u0646"),
    "name of stars": row("Doe, Jane", "***"),
    "criteria of a page": row("Jane", "J" * 10_000),
    "no results": row(",17", ",0"),
    "results left out": row(",17", ","),
    "no purpose at all": usage(LATER),
    "user with an apostrophe": row("rivera", "o'neil+x@phila.gov"),
    "stating row of the same second": usage(STATING.replace("08:10:00", "08:14:03"), LATER),
    "stating row whose name cannot be read": usage(STATING.replace("Roe", "\x1b[2J"), LATER),
    "report with criteria": usage("T1,2026-01-05 08:14:03,rivera,S-81,COMPREHENSIVE_REPORT,,,,Doe,,,,001234567890,1"),
    "last line of a job": part(*LINES).replace(b",200\n", b",18\n"),
    "one line": part(LINES[0], says="PART,17,1"),
    "LexID and criteria": part(LINES[0], "18,Doe,123-45-6789,,,000000000001"),
}

_OF_NO_KIND: Final = ("one byte", "NULs", "JSON", "XML that grows", "deep brackets", "a zip file", "gzip")
_PART: Final = part(*LINES)

BATCH_HOSTILE: Final[dict[str, bytes]] = {
    **{name: HOSTILE[name] for name in _OF_NO_KIND},
    **{name: value for name, value in HOSTILE.items() if value[:4].upper() == b"JOB,"},
    "UTF-16": _PART.decode().encode("utf-16"),
    "UTF-16 without mark": _PART.decode().encode("utf-16-le"),
    "EBCDIC": _PART.decode().encode("cp037"),
    "byte order mark": b"\xef\xbb\xbf" + _PART,
    "Windows-1252": _PART.replace(b"Jane", b"Jos\xe9"),
    "overlong UTF-8": _PART.replace(b"Jane", b"\xc0\xaf"),
    "half a surrogate": _PART.replace(b"Jane", b"\xed\xa0\x80"),
    "semicolons": _PART.replace(b",", b";"),
    "tabs": _PART.replace(b",", b"\t"),
    "CR LF": _PART.replace(b"\n", b"\r\n"),
    "CR alone": _PART.replace(b"\n", b"\r"),
    "truncated in a quote": _PART[: _PART.index(b"Jane")],
    "line break in a quote": _PART.replace(b"Doe, Jane", b"Doe,\nJane"),
    "commas without end": part("," * 60_000, says="PART,17,1"),
    "quotes without end": part('17,"' + '"' * 60_001, says="PART,17,1"),
    "a message of the other kind": usage(ROW),
}
"""As a part of a job: each must be rejected."""
ROW_HOSTILE: Final = {name: value for name, value in HOSTILE.items() if value[:4].upper() != b"JOB,"} | {
    "a message of the other kind": _PART
}
"""As a row of a usage export: each must be rejected."""
