"""Messages of JNET that must be rejected, and strange ones that must not, by what is wrong or strange with them."""

from __future__ import annotations

from typing import Final

_AUDIT: Final = "urn:example:needtoknow:jnet:audit:1"
_COMMON: Final = "urn:example:needtoknow:jnet:common:1"
_IDENTITY: Final = "urn:example:needtoknow:jnet:identity:1"
_XSI: Final = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>'
_NAMESPACES: Final = f'xmlns:a="{_AUDIT}" xmlns:c="{_COMMON}" xmlns:i="{_IDENTITY}"'
_LOGIN: Final = "NIEF:IDP:PHILA-DHS:USER:jdoe"
_BODY: Final = (
    "<c:MessageID>JNET-7</c:MessageID><c:MessageSequenceNumber>7</c:MessageSequenceNumber>"
    "<c:ActivityDateTime>2026-01-05T09:14:03.120-05:00</c:ActivityDateTime>"
    f"<i:User><i:FederationId>{_LOGIN}</i:FederationId><i:SessionID>s1</i:SessionID></i:User>"
    "<a:PennDOTPhotoView><c:PersonID>P-7</c:PersonID></a:PennDOTPhotoView>"
    "<a:ResultCode>success</a:ResultCode>"
)
_ROOT: Final = f"<a:AuditMessage {_NAMESPACES} {_XSI}>{_BODY}</a:AuditMessage>"
_GOOD: Final = _DECLARATION + _ROOT
_VIEW: Final = "<a:PennDOTPhotoView><c:PersonID>P-7</c:PersonID></a:PennDOTPhotoView>"
_QUERY: Final = (
    "<a:OffenderQuery><a:Criteria><c:SurName>Example</c:SurName></a:Criteria>"
    "<a:FoundQuantity>1</a:FoundQuantity><c:FoundPersonID>P-7</c:FoundPersonID></a:OffenderQuery>"
)


def _with(old: str, new: str) -> bytes:
    """The good message with one passage of it replaced."""
    assert _GOOD.count(old) >= 1, old
    return _GOOD.replace(old, new, 1).encode()


def _asking(old: str, new: str) -> bytes:
    """The same with a query, one passage of which is replaced."""
    assert _QUERY.count(old) == 1, old
    return _with(_VIEW, _QUERY.replace(old, new))


def _typed(subset: str, used: str = "P-7") -> bytes:
    """The good message under a document type declaration, with `used` as the person."""
    return f"{_DECLARATION}<!DOCTYPE AuditMessage {subset}>{_ROOT.replace('P-7', used)}".encode()


def _attributes(name: str, count: int, before: str = "") -> bytes:
    """A root with that many attributes of one name and a number."""
    return f"<a {before} {' '.join(f'{name}{n}={chr(39)}u{chr(39)}' for n in range(count))}/>".encode()


def _laughs(levels: int) -> str:
    steps = ("<!ENTITY e{} '{}'>".format(n, f"&e{n - 1};" * 10) for n in range(1, levels))
    return f'[<!ENTITY e0 "ha">{"".join(steps)}]'


_ENTITIES: Final[dict[str, bytes]] = {
    "billion laughs": _typed(_laughs(12), "&e11;"),
    "billion laughs in an attribute": _typed(_laughs(12)).replace(b"<i:User>", b'<i:User x="&e11;">'),
    "quadratic blow-up": _typed(f"[<!ENTITY e '{'x' * 30_000}'>]", "&e;" * 10_000),
    "external entity, a file": _typed('[<!ENTITY e SYSTEM "file:///etc/passwd">]', "&e;"),
    "external entity, an address": _typed('[<!ENTITY e SYSTEM "http://192.0.2.1/e">]', "&e;"),
    "external entity, a public name": _typed('[<!ENTITY e PUBLIC "-//X//Y" "http://192.0.2.1/e">]', "&e;"),
    "parameter entity": _typed('[<!ENTITY % p SYSTEM "http://192.0.2.1/p"> %p;]'),
    "parameter entity inside": _typed("[<!ENTITY % p '<!ENTITY e \"x\">'> %p;]", "&e;"),
    "external document type": _typed('SYSTEM "http://192.0.2.1/x.dtd"'),
    "public document type": _typed('PUBLIC "-//W3C//DTD XHTML 1.0//EN" "http://192.0.2.1/x.dtd"'),
    "document type of nothing": _typed("[]"),
    "default attribute from a document type": _typed('[<!ATTLIST a:AuditMessage xml:lang CDATA "x">]'),
    "entity that calls itself": _typed('[<!ENTITY e "&e;">]', "&e;"),
    "entity that is not used": _typed('[<!ENTITY e "x">]'),
}

_TOO_MUCH: Final[dict[str, bytes]] = {
    "larger than a message may be": _GOOD.encode() + b" " * 65_536,
    "elements nested 9,000 deep": b"<a>" * 9_000 + b"</a>" * 9_000,
    "elements nested 9,000 deep inside": _with("<i:User>", "<i:User>" + "<b>" * 9_000 + "</b>" * 9_000),
    "elements nested and never closed": b"<a>" * 21_000,
    "2,700 attributes in a namespace with a long name": _attributes("p:b", 2_700, f"xmlns:p='{'u' * 32_000}'"),
    "5,000 attributes": _attributes("b", 5_000),
    "1,000 namespaces": _attributes("xmlns:b", 1_000),
    "9,000 elements that nobody knows": f"<a>{'<b></b>' * 9_000}</a>".encode(),
    "the same element 2,000 times": _with("<i:SessionID>s1</i:SessionID>", "<i:SessionID>s</i:SessionID>" * 2_000),
    "name of 60,000 characters": _with("<i:User>", f"<i:User><{'x' * 60_000}/>"),
    "id of 60,000 characters": _with("JNET-7", "J" * 60_000),
    "criterion of 60,000 characters": _asking("Example", "x" * 60_000),
    "number of 60,000 digits": _with("Number>7<", f"Number>{'9' * 60_000}<"),
    "number past 63 bits": _with("Number>7<", "Number>9223372036854775808<"),
    "number below zero": _with("Number>7<", "Number>-7<"),
    "number with an exponent": _with("Number>7<", "Number>7e0<"),
    "number with an underscore": _with("Number>7<", "Number>1_0<"),
    "number in other digits": _with("Number>7<", "Number>\u0667<"),
    "quantity past its bound": _asking("<a:FoundQuantity>1<", "<a:FoundQuantity>1000000001<"),
}

_NO_XML: Final[dict[str, bytes]] = {
    "white space only": b" \r\n\t",
    "zero bytes": b"\0" * 64,
    "cut off in an element": _GOOD.encode()[:-30],
    "cut off in a name": _GOOD.encode()[:-1],
    "the end only": _GOOD.encode()[200:],
    "declaration only": _DECLARATION.encode(),
    "two documents": (_ROOT + _ROOT).encode(),
    "text after the root": (_ROOT + "x").encode(),
    "zero byte after the root": (_ROOT + "\0").encode(),
    "white space before the declaration": b" " + _GOOD.encode(),
    "zero byte in a text": _with("P-7", "P-\x007"),
    "JSON": b'{"event_id":"x"}',
    "HTML": b"<html><p>Service unavailable</html>",
    "end tags crossed": _with("</c:PersonID></a:PennDOTPhotoView>", "</a:PennDOTPhotoView></c:PersonID>"),
    "attribute twice": _with("<i:User>", '<i:User xsi:nil="false" xsi:nil="true">'),
    "attribute twice by two prefixes": _with(
        "<i:User>", '<i:User xmlns:x="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="0" x:nil="1">'
    ),
    "attribute without quotes": _with("<i:User>", "<i:User xsi:nil=false>"),
    "entity that nobody declared": _with("P-7", "P-&copy;"),
    "bare ampersand": _with("P-7", "P&7"),
    "reference to no character": _with("P-7", "P-&#0;7"),
    "reference to a surrogate": _with("P-7", "P-&#xD800;7"),
    "reference past Unicode": _with("P-7", "P-&#x110000;7"),
    "CDATA that does not end": _with("P-7", "<![CDATA[P-7"),
    "end of CDATA in a text": _with("P-7", "P]]>7"),
    "comment with two hyphens": _with("<i:User>", "<!-- a -- b --><i:User>"),
    "prefix that nobody declared": _with("<i:User>", "<x:User/><i:User>"),
    "prefix that is taken back": _with("<i:User>", '<i:User xmlns:c="">'),
    "declaration in the middle": _with("<i:User>", f"{_DECLARATION}<i:User>"),
    "XML 1.1": _with('version="1.0"', 'version="1.1"'),
    "binary XML": b"\x03\x01\x6a\x00" + bytes(range(256)),
    "gzip": b"\x1f\x8b\x08\x00" + bytes(60),
}

_ENCODINGS: Final[dict[str, bytes]] = {
    "UTF-16 with a mark": _GOOD.replace("UTF-8", "UTF-16").encode("utf-16"),
    "UTF-16 with a mark and no declaration": _ROOT.encode("utf-16"),
    "UTF-16, big end first": b"\xfe\xff" + _ROOT.encode("utf-16-be"),
    "UTF-16 without a mark": _ROOT.encode("utf-16-le"),
    "billion laughs in UTF-16 without a mark": _typed(_laughs(12), "&e11;")[len(_DECLARATION) :]
    .decode()
    .encode("utf-16-le"),
    "billion laughs in UTF-16, big end first": _typed(_laughs(12), "&e11;")[len(_DECLARATION) :]
    .decode()
    .encode("utf-16-be"),
    "UTF-16 that says UTF-8": _GOOD.encode("utf-16"),
    "UTF-32": _GOOD.encode("utf-32"),
    "UTF-7": _GOOD.replace("UTF-8", "UTF-7").encode("utf-7"),
    "EBCDIC": _GOOD.replace("UTF-8", "IBM037").encode("cp037"),
    "says UTF-16 and is UTF-8": _with("UTF-8", "UTF-16"),
    "says Latin-1": _with("UTF-8", "ISO-8859-1"),
    "says Latin-1 in single quotes": _with('encoding="UTF-8"', "encoding='latin-1'"),
    "says ASCII": _with("UTF-8", "US-ASCII"),
    "says an encoding that nobody knows": _with("UTF-8", "x-nobody"),
    "says no encoding at all": _with("UTF-8", ""),
    "Latin-1": _GOOD.encode().replace(b"jdoe", b"jdo\xe9"),
    "UTF-8 that is longer than need be": _GOOD.encode().replace(b"jdoe", b"jdo\xc1\xa5"),
    "UTF-8 with half a surrogate": _GOOD.encode().replace(b"jdoe", b"jdo\xed\xa0\x80"),
    "UTF-8 cut off": _ROOT.encode() + b"\xe2\x80",
    "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbf" + _GOOD.encode(),
}

_LAYOUT: Final[dict[str, bytes]] = {
    "root in no namespace": b"<AuditMessage/>",
    "root in another namespace": _with(_AUDIT, "urn:example:needtoknow:jnet:audit:2"),
    "root of another name": _GOOD.replace("AuditMessage", "AuditMessages").encode(),
    "namespaces that have changed places": _with(f'"{_COMMON}"', '"x"').replace(
        f'"{_IDENTITY}"'.encode(), f'"{_COMMON}"'.encode()
    ),
    "namespace with a brace": _with(_AUDIT, _AUDIT + "}AuditMessage"),
    "right name in the wrong namespace": _with("<c:PersonID>P-7</c:PersonID>", "<a:PersonID>P-7</a:PersonID>"),
    "right name in another case": _GOOD.replace("PersonID", "PersonId").encode(),
    "name from another alphabet": _GOOD.replace("c:PersonID", "c:\u0420ersonID").encode(),
    "nothing in it": f"<a:AuditMessage {_NAMESPACES}/>".encode(),
    "nil as a whole": f'<a:AuditMessage {_NAMESPACES} {_XSI} xsi:nil="true"/>'.encode(),
    "no activity": _with(_VIEW, ""),
    "activity that nobody knows": _with(_VIEW, "<a:Delete><c:PersonID>P-7</c:PersonID></a:Delete>"),
    "activity twice": _with(_VIEW, _VIEW + _VIEW),
    "two activities": _with(_VIEW, _VIEW + _QUERY),
    "activity nil beside another": _with(_VIEW, '<a:Print xsi:nil="true"/>' + _VIEW),
    "activity without a record": _with("<c:PersonID>P-7</c:PersonID>", ""),
    "two records": _with(_VIEW, "<a:Print><c:PersonID>P-7</c:PersonID><c:DocketID>D-7</c:DocketID></a:Print>"),
    "record twice": _with("<c:PersonID>P-7</c:PersonID>", "<c:PersonID>P-7</c:PersonID><c:PersonID>P-7</c:PersonID>"),
    "record twice, once nil": _with(
        "<c:PersonID>P-7</c:PersonID>", '<c:PersonID xsi:nil="true"/><c:PersonID>P-7</c:PersonID>'
    ),
    "record nil": _with("<c:PersonID>P-7</c:PersonID>", '<c:PersonID xsi:nil="true"/>'),
    "nil and yet something": _with("<i:SessionID>", '<i:SessionID xsi:nil="true">'),
    "nil and yet elements": _with("<i:User>", '<i:User xsi:nil="true">'),
    "nil and yet a comment": _with("<i:SessionID>s1<", '<i:SessionID xsi:nil="true"><!-- x --><'),
    "nil with another word": _with("<i:SessionID>", '<i:SessionID xsi:nil="TRUE">'),
    "nil in no namespace": _with("<i:SessionID>", '<i:SessionID nil="false">'),
    "attribute that nobody knows": _with("<i:User>", '<i:User id="u1">'),
    "content by reference": _with("<i:User>", '<i:User xmlns:s="urn:x" s:ref="u1">'),
    "another type": _with("<i:User>", '<i:User xsi:type="i:Other">'),
    "element that is empty": _with("<i:SessionID>s1<", "<i:SessionID><"),
    "element of white space": _with("<i:SessionID>s1<", "<i:SessionID> &#32; <"),
    "text between elements": _with("<i:User>", "x<i:User>"),
    "CDATA between elements": _with("<i:User>", "<![CDATA[x]]><i:User>"),
    "no-break space between elements": _with("<i:User>", "\u00a0<i:User>"),
    "text before an element inside": _with("<i:User>", "<i:User>x"),
    "element in a text": _with("P-7", "P<b/>-7"),
    "known element in a text": _with("P-7", "P-7<c:PersonID>P-8</c:PersonID>"),
    "comment in a text": _with(_LOGIN, "NIEF:IDP:PHILA-DHS:USER:jdoe<!-- -->.other"),
    "processing instruction": _with("<i:User>", "<?print all?><i:User>"),
    "processing instruction in a text": _with("P-7", "P<?x?>-7"),
    "processing instruction before the root": _with("<a:Audit", '<?xml-stylesheet href="http://192.0.2.1/"?><a:Audit'),
    "processing instruction after the root": (_GOOD + "<?x?>").encode(),
    "XInclude": _with(
        "<i:User>", '<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/><i:User>'
    ),
    "SOAP around it": f'<s:Envelope xmlns:s="urn:s"><s:Body>{_ROOT}</s:Body></s:Envelope>'.encode(),
    "the message in itself": _with("<i:User>", f"{_ROOT}<i:User>"),
}

_CONTENT: Final[dict[str, bytes]] = {
    "terminal escape in an id": _with("JNET-7", "JNET-\x1b[2J7"),
    "terminal escape by reference": _with("JNET-7", "JNET-&#27;[2J7"),
    "C1 control in an id": _with("JNET-7", "JNET-\u009b2J7"),
    "bell by reference": _with("P-7", "P-&#7;7"),
    "delete in an id": _with("P-7", "P-&#127;7"),
    "right-to-left mark in a login": _with(_LOGIN, f"{_LOGIN}\u202egro.live"),
    "zero-width space in a login": _with(_LOGIN, f"{_LOGIN}\u200b"),
    "look-alike in a login": _with(_LOGIN, _LOGIN.replace("o", "\u043e")),
    "look-alike in a broker's name": _with("PHILA", "PH\u0406LA"),
    "space in an id": _with("P-7", "P 7"),
    "no-break space around an id": _with("P-7", "\u00a0P-7"),
    "line break in an id": _with("JNET-7", "JNET&#10;7"),
    "letters that are as wide as others": _with("P-7", "\uff30-7"),
    "formula for a provider": _with("PHILA-DHS", "=HYPERLINK(1)"),
    "SQL for a provider": _with("PHILA-DHS", "x';DROP--"),
    "path for a provider": _with("PHILA-DHS", "../../etc"),
    "login without a federation": _with(_LOGIN, "jdoe"),
    "login with a part more": _with(_LOGIN, f"{_LOGIN}:ADMIN:yes"),
    "login with two users": _with(_LOGIN, f"{_LOGIN},{_LOGIN}"),
    "result in other case": _with(">success<", ">SUCCESS<"),
    "result in words": _with(">success<", ">yes; success<"),
    "time without an offset": _with(".120-05:00", ".120"),
    "time with the name of a zone": _with("-05:00<", "[America/New_York]<"),
    "day that does not exist": _with("2026-01-05T", "2026-02-30T"),
    "leap second": _with("09:14:03.120", "23:59:60"),
    "year of five digits": _with("2026-01-05T", "12026-01-05T"),
    "time before anybody was recorded": _with("2026-01-05T", "1899-01-05T"),
    "no criteria": _asking("<c:SurName>Example</c:SurName>", ""),
    "no criteria but nil ones": _asking("<c:SurName>Example</c:SurName>", '<c:SurName xsi:nil="true"/>'),
    "criterion that nobody knows": _asking("<c:SurName>Example</c:SurName>", "<c:ShoeSize>44</c:ShoeSize>"),
    "criterion twice": _asking("</c:SurName>", "</c:SurName><c:SurName>Other</c:SurName>"),
    "criterion with a right-to-left mark": _asking("Example", "Exa\u202emple"),
    "criterion of a no-break space": _asking("Example", "\u00a0"),
    "person found without an id": _asking("P-7", ""),
    "person found whose id has a space": _asking("P-7", "P 7"),
    "person found nil": _asking("<c:FoundPersonID>P-7</c:FoundPersonID>", '<c:FoundPersonID xsi:nil="true"/>'),
    "more found than named": _asking("<a:FoundQuantity>1<", "<a:FoundQuantity>2<"),
    "quantity left out": _asking("<a:FoundQuantity>1</a:FoundQuantity>", ""),
    "hit of no subscription": _with(_VIEW, "<a:SubscriptionHit><c:PersonID>P-7</c:PersonID></a:SubscriptionHit>"),
    "hit that names criteria": _with(
        _VIEW,
        "<a:SubscriptionHit><a:SubscriptionID>W</a:SubscriptionID>"
        "<a:Criteria><c:SSN>1</c:SSN></a:Criteria></a:SubscriptionHit>",
    ),
    "persons found by subscribing to one": _with(
        _VIEW,
        "<a:Subscribe><a:SubscriptionID>W</a:SubscriptionID><c:PersonID>P-7</c:PersonID>"
        "<a:FoundQuantity>0</a:FoundQuantity></a:Subscribe>",
    ),
    "persons found by subscribing, uncounted": _with(
        _VIEW,
        "<a:Subscribe><a:SubscriptionID>W</a:SubscriptionID><a:Criteria><c:SSN>1</c:SSN></a:Criteria>"
        "<c:FoundPersonID>P-7</c:FoundPersonID></a:Subscribe>",
    ),
    "control message with a number": _with(
        _VIEW, "<a:Unsubscribe><a:SubscriptionID>W</a:SubscriptionID></a:Unsubscribe>"
    ),
}

HOSTILE: Final[dict[str, bytes]] = {
    **_ENTITIES,
    **_TOO_MUCH,
    **_NO_XML,
    **_ENCODINGS,
    **_LAYOUT,
    **_CONTENT,
}

HARMLESS: Final[dict[str, bytes]] = {
    "no declaration": _ROOT.encode(),
    "byte order mark of UTF-8": b"\xef\xbb\xbf" + _GOOD.encode(),
    "encoding in lower case": _with("UTF-8", "utf-8"),
    "standalone": _with("?>", ' standalone="no" ?>'),
    "single quotes": _GOOD.replace('"', "'").encode(),
    "line ends of Windows": _GOOD.replace("><", ">\r\n<").encode(),
    "white space after the root": (_GOOD + "\r\n\t ").encode(),
    "white space in tags": _GOOD.replace("</c:PersonID>", "</c:PersonID\n >").encode(),
    "comments around it": f"{_DECLARATION}<!-- - <x> & -->{_ROOT}<!-- end -->".encode(),
    "comment between elements": _with("<i:User>", "<!-- \u202e --><i:User>"),
    "white space in CDATA between elements": _with("<i:User>", "<![CDATA[ ]]><i:User>"),
    "CDATA": _with("P-7", "<![CDATA[P-7]]>"),
    "CDATA in pieces": _with("P-7", "P<![CDATA[-]]><![CDATA[]]>7"),
    "text by references": _with("P-7", "&#80;&#x2D;&#55;"),
    "CDATA that looks like elements": _with("P-7", "<![CDATA[<c:PersonID>]]>"),
    "id that looks like a formula": _with("P-7", "=cmd|'/c'!A1"),
    "id that looks like SQL": _with("P-7", "';DROP/**/TABLE"),
    "login that looks like a path": _with("USER:jdoe", "USER:../../etc/passwd"),
    "namespace that is not used": _with("<i:User>", '<i:User xmlns:n="http://niem.example/">'),
    "namespace declared again": _with("<i:User>", f'<i:User xmlns:i="{_IDENTITY}">'),
    "prefix that means something else inside": _with(
        f"<i:SessionID>s1</i:SessionID></i:User>{_VIEW}",
        f'<a:SessionID xmlns:a="{_IDENTITY}">s1</a:SessionID></i:User>{_VIEW}',
    ),
    "nil for what may be left out": _with("<i:SessionID>s1<", '<i:SessionID xsi:nil="1"><'),
    "empty tag that is nil": _with("<i:SessionID>s1</i:SessionID>", "<i:SessionID xsi:nil='true'/>"),
    "place of a schema": _with("<a:AuditMessage", '<a:AuditMessage xsi:schemaLocation="u file:///etc/passwd"'),
    "number with zeros before it": _with("Number>7<", "Number>0000000000000000007<"),
    "the largest number": _with("Number>7<", "Number>9223372036854775807<"),
    "offset of another continent": _with("-05:00<", "+14:00<"),
    "criteria in another script": _asking("Example", "\u4f8b\u3048 O'Neil-\u00d1u\u00f1ez"),
    "criteria that look like elements": _asking("Example", "&lt;script&gt;"),
    "nobody found": _asking("<a:FoundQuantity>1</a:FoundQuantity><c:FoundPersonID>P-7</c:FoundPersonID>",
        "<a:FoundQuantity>0</a:FoundQuantity>"),
    "subscribing to criteria that find somebody today": _with(
        _VIEW,
        "<a:Subscribe><a:SubscriptionID>W</a:SubscriptionID><a:Criteria><c:SSN>1</c:SSN></a:Criteria>"
        "<a:FoundQuantity>1</a:FoundQuantity><c:FoundPersonID>P-7</c:FoundPersonID></a:Subscribe>",
    ),
}  # fmt: skip
