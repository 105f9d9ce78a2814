"""Messages of CLEAN that are broken or meant to do harm, and some that are only strange."""

from __future__ import annotations

import gzip
from typing import Final

SECRET: Final = "JANE-ROE-1987"  # stands for somebody's data: no error may repeat it

REQUEST: Final = (
    b"TYP=REQ|NUM=0000009001|TIM=2026-01-05 08:14:03.12|KEY=PERSON|ORI=PA0510099|OPR=HENDERSON2|RQR=RIVERA.M"
    b"|ATN=Unit 4|PUR=C|JUS=report 12|TRM=DHS04-T17|NAM=DOE, JANE|DOB=19900102"
)
RESPONSE: Final = (
    b"TYP=RSP|NUM=0000007001|REF=0000009001|TIM=2026-01-05 08:14:03.90|STA=HIT|CNT=2|SID=PA1234567,PA7654321"
)
RECORD: Final = (
    b"TYP=REQ|NUM=0000009006|TIM=2026-01-05 09:02:00.00|KEY=RECORD|ORI=PA0510099|OPR=TRAN|PUR=X|SID=PA1234567"
)
SENT: Final = b"TYP=RSP|NUM=0000007006|REF=0000009006|TIM=2026-01-05 09:02:00.50|STA=HIT"
PAIR: Final = REQUEST + b"\n" + RESPONSE


def asked(old: bytes, new: str | bytes) -> bytes:
    """The pair with one thing replaced, which must be there."""
    assert PAIR.count(old) == 1, old
    return PAIR.replace(old, new.encode() if isinstance(new, str) else new)


def record(old: bytes, new: bytes) -> bytes:
    """The full record's pair with one thing replaced, which must be there."""
    pair = RECORD + b"\n" + SENT
    assert pair.count(old) == 1, old
    return pair.replace(old, new)


HOSTILE: Final[dict[str, bytes]] = {
    # --- not a message of this layout
    "NUL only": b"\0",
    "newline only": b"\n",
    "spaces": b" " * 80,
    "canonical JSON": b'{"event_id":"clean-1","source":"clean","actor":"JANE-ROE-1987"}',
    "XML entity": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "gzip": gzip.compress(PAIR, mtime=0),
    "gzip bomb": gzip.compress(b"\0" * 1_000_000, mtime=0),
    "deep brackets": b"[" * 50_000,
    "response first": RESPONSE + b"\n" + REQUEST,
    "response alone": RESPONSE,
    "request twice": REQUEST + b"\n" + REQUEST,
    "two responses": PAIR + b"\n" + RESPONSE,
    "newline after": PAIR + b"\n",
    "newline after a request": REQUEST + b"\n",
    "CR LF": PAIR.replace(b"\n", b"\r\n"),
    "CR only": PAIR.replace(b"\n", b"\r"),
    "truncated in a key": REQUEST[:-12],
    "truncated before the operator": REQUEST[: REQUEST.index(b"|OPR")],
    "truncated response": PAIR[: -len("|STA=HIT|CNT=2|SID=PA1234567,PA7654321")],
    "blank at the start": b" " + PAIR,
    "trailing bar": REQUEST + b"|",
    "65,000 bars": b"|" * 65_000,
    "a line too long": asked(b"report 12", "x" * 33_000),
    # --- other encodings
    "byte order mark": b"\xef\xbb\xbf" + PAIR,
    "UTF-16": PAIR.decode().encode("utf-16"),
    "UTF-16 without mark": PAIR.decode().encode("utf-16-le"),
    "EBCDIC": PAIR.decode().encode("cp037"),
    "Latin-1 name": asked(b"DOE, JANE", b"D\xd6E, JANE"),
    "UTF-8 name": asked(b"DOE, JANE", "DÖE, JANE"),
    "overlong UTF-8": asked(b"DOE, JANE", b"D\xc1\x8fE"),
    "surrogate": asked(b"DOE, JANE", b"D\xed\xa0\x80E"),
    # --- control characters and look-alikes
    "NUL in the login": asked(b"HENDERSON2", b"HENDERSON2\0"),
    "NUL in free text": asked(b"Unit 4", b"Unit\x004"),
    "tab": asked(b"Unit 4", b"Unit\t4"),
    "terminal escape": asked(b"Unit 4", b"\x1b[2J\x1b]0;owned\x07"),
    "C1 control": asked(b"Unit 4", b"Unit\x9b4"),
    "delete": asked(b"Unit 4", b"Unit 4\x7f"),
    "right-to-left mark": asked(b"Unit 4", "\u202eUnit 4"),
    "zero-width space in the login": asked(b"HENDERSON2", "HENDER\u200bSON2"),
    "Cyrillic look-alike": asked(b"HENDERSON2", "HENDERS\u041eN2"),
    "full-width digits": asked(b"NUM=0000009001", "NUM=\uff10000009001"),
    "Arabic digits": asked(b"2026-01-05 08:14:03.12", "\u0662026-01-05 08:14:03.12"),
    "full-width bar": asked(b"|PUR", "\uff5cPUR"),
    # --- fields
    "key of lower case": asked(b"OPR=", b"opr="),
    "key with a space": asked(b"|OPR=", b"| OPR="),
    "unknown key that is data": asked(b"|PUR=C", b"|JANE-ROE-1987=C"),
    "key of a response in a request": asked(b"|PUR=C", b"|STA=HIT"),
    "operator in the response": asked(b"STA=HIT", b"OPR=TRAN|STA=HIT"),
    "field twice": asked(b"|PUR=C", b"|OPR=TRAN"),
    "field twice, the same": asked(b"|PUR=C", b"|ATN=Unit 4"),
    "field without equals": asked(b"|PUR=C", b"|JANE-ROE-1987"),
    "field without value": asked(b"PUR=C", b"PUR="),
    "empty field": asked(b"|PUR=C", b"||PUR=C"),
    "unknown escape": asked(b"Unit 4", rb"Unit\x41"),
    "escape cut off": asked(b"|ATN=Unit 4", b"|ATN=Unit\\"),
    "escaped newline in a login": asked(b"HENDERSON2", rb"HENDERSON2\nTRAN"),
    "escaped newline in the attention": asked(b"Unit 4", rb"Unit 4\nFrom: JANE-ROE-1987"),
    "escaped newline in criteria": asked(b"DOE, JANE", rb"DOE\nSOC=219099999"),
    "bar in a login": asked(b"HENDERSON2", rb"HENDERSON2\pTRAN"),
    # --- numbers and times
    "number of 9 digits": asked(b"NUM=0000009001", b"NUM=000009001"),
    "number of 5,000 digits": asked(b"NUM=0000009001", b"NUM=" + b"9" * 5_000),
    "negative number": asked(b"NUM=0000009001", b"NUM=-000009001"),
    "number with underscores": asked(b"NUM=0000009001", b"NUM=0000_09001"),
    "hexadecimal number": asked(b"NUM=0000009001", b"NUM=0x00009001"),
    "response of another request": asked(b"REF=0000009001", b"REF=0000009002"),
    "response of none": asked(b"REF=0000009001|", b""),
    "time that does not exist": asked(b"2026-01-05 08:14:03.12", b"2026-03-08 02:30:00.00"),
    "no such day": asked(b"2026-01-05 08:14:03.12", b"2026-02-30 08:14:03.12"),
    "leap second": asked(b"2026-01-05 08:14:03.12", b"2026-01-05 08:14:60.00"),
    "hour 24": asked(b"2026-01-05 08:14:03.12", b"2026-01-05 24:00:00.00"),
    "year 0": asked(b"2026-01-05 08:14:03.12", b"0000-01-05 08:14:03.12"),
    "year 9999": asked(b"2026-01-05 08:14:03.12", b"9999-12-31 23:59:59.99"),
    "whole seconds": asked(b"2026-01-05 08:14:03.12", b"2026-01-05 08:14:03"),
    "time with an offset": asked(b"2026-01-05 08:14:03.12", b"2026-01-05T08:14:03.12Z"),
    "response at no time": asked(b"2026-01-05 08:14:03.90", b"2026-13-05 08:14:03.90"),
    # --- parties
    "no operator": asked(b"|OPR=HENDERSON2", b""),
    "operator of lower case": asked(b"HENDERSON2", b"henderson2"),
    "operator of 33 characters": asked(b"HENDERSON2", b"H" * 33),
    "formula as operator": asked(b"HENDERSON2", b"=HYPERLINK(A1)"),
    "formula as requestor": asked(b"RIVERA.M", b"+RIVERA"),
    "injection as operator": asked(b"HENDERSON2", b"X'; DROP TABLE PARTIES--"),
    "path as terminal": asked(b"DHS04-T17", b"../../ETC"),
    "agency of 8 characters": asked(b"PA0510099", b"PA051009"),
    "no agency": asked(b"|ORI=PA0510099", b""),
    "attention of spaces": asked(b"Unit 4", b"   "),
    "attention of 501 characters": asked(b"Unit 4", b"x" * 501),
    "justification of 2,001 characters": asked(b"report 12", b"x" * 2_001),
    "purpose of two letters": asked(b"PUR=C", b"PUR=CJ"),
    "purpose of lower case": asked(b"PUR=C", b"PUR=c"),
    # --- what was asked and answered
    "unknown message key": asked(b"KEY=PERSON", b"KEY=JANE-ROE-1987"),
    "no message key": asked(b"|KEY=PERSON", b""),
    "query without criteria": asked(b"|NAM=DOE, JANE|DOB=19900102", b""),
    "query of marks only": asked(b"NAM=DOE, JANE", b"NAM=-- ,"),
    "criterion of 101 characters": asked(b"DOE, JANE", b"D" * 101),
    "query with an identifier": asked(b"|DOB=19900102", b"|SID=PA1234567"),
    "record without an identifier": record(b"|SID=PA1234567", b""),
    "record by name": record(b"SID=PA1234567", b"NAM=JANE-ROE-1987"),
    "record with criteria": record(b"|PUR=X", b"|SOC=219099999"),
    "identifier of lower case": record(b"PA1234567", b"pa1234567"),
    "identifier of 11 characters": record(b"PA1234567", b"PA123456789"),
    "disclosure to nobody": record(b"KEY=RECORD", b"KEY=DISCLOSE"),
    "count for a record": record(b"STA=HIT", b"STA=HIT|CNT=1"),
    "unknown status": asked(b"STA=HIT", b"STA=JANE-ROE-1987"),
    "no status": asked(b"|STA=HIT", b""),
    "hit without a count": asked(b"|CNT=2", b""),
    "hit of none": asked(b"|CNT=2", b"|CNT=0"),
    "count of 10 digits": asked(b"|CNT=2", b"|CNT=9999999999"),
    "count of 5,000 digits": asked(b"|CNT=2", b"|CNT=" + b"9" * 5_000),
    "count that differs": asked(b"|CNT=2", b"|CNT=3"),
    "identifiers without a hit": asked(b"STA=HIT|CNT=2", b"STA=NOHIT"),
    "count without a hit": asked(b"STA=HIT|CNT=2|SID=PA1234567,PA7654321", b"STA=REJECT|CNT=2"),
    "empty identifier": asked(b"PA1234567,PA7654321", b"PA1234567,"),
    "identifiers with spaces": asked(b"PA1234567,PA7654321", b"PA1234567, PA7654321"),
}

HARMLESS: Final[dict[str, bytes]] = {
    "request without a response": REQUEST,
    "fields in another order": b"|".join(
        [b"TYP=REQ", *reversed(REQUEST.split(b"|")[2:]), b"NUM=0000009001"],
    ),
    "formula as free text": asked(b"Unit 4", b'=HYPERLINK("http://example.org")'),
    "markup as free text": asked(b"report 12", b"<script>alert(1)</script>"),
    "injection as a name": asked(b"DOE, JANE", b"ROBERT'); DROP TABLE STUDENTS;--"),
    "log line as a name": asked(b"DOE, JANE", rb"DOE\pOPR=TRAN"),
    "equals in a value": asked(b"DOE, JANE", b"A=B=C"),
    "escapes only": asked(b"report 12", rb"\p\b\n\bn"),
    "formula of an operator's own letters": asked(b"HENDERSON2", b"2E9"),
    "wildcard in a name": asked(b"DOE, JANE", b"D*"),
    "half a number": asked(b"|DOB=19900102", b"|SOC=219-0"),
    "date that does not exist": asked(b"19900102", b"19909999"),
    "number nought": REQUEST.replace(b"NUM=0000009001", b"NUM=0000000000"),
    "largest number": REQUEST.replace(b"NUM=0000009001", b"NUM=9999999999"),
    "response before its request": asked(b"08:14:03.90", b"08:14:03.01"),
    "last count": asked(b"|CNT=2|SID=PA1234567,PA7654321", b"|CNT=999999999"),
    "2,800 identifiers": asked(
        b"|CNT=2|SID=PA1234567,PA7654321", b"|CNT=2800|SID=" + b",".join([b"PA12345678"] * 2800)
    ),
    "first year": asked(b"2026-01-05 08:14:03.12", b"1900-01-01 00:00:00.00"),
}
