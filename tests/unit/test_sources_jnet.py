"""JNET: one XML document as one access, and everything that a document must not be."""

from __future__ import annotations

import re
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from xml.etree.ElementTree import XMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.access import Access
from schemas.codec import MESSAGE_MAX, decode_access
from schemas.errors import RejectedInputError
from schemas.ids import parse_instant
from schemas.topics import JNET_XML
from streams.sources import Translated, jnet_xml, translate
from streams.sources.jnet import AUDIT, COMMON, IDENTITY
from streams.sources.jnet_xml import ATTRIBUTES_MAX, _Builder
from tests.harness.hostile.jnet import HARMLESS, HOSTILE
from tests.harness.native import as_sent

GOLDEN = Path(__file__).parent / "golden" / "jnet"
MESSAGES = {path.stem: path.read_bytes() for path in sorted(GOLDEN.glob("*.xml"))}
PHOTO = MESSAGES["photo-view"]
QUERY = MESSAGES["licence-query"]
HEADERS = (("content-type", JNET_XML.encode()),)
NEXT_YEAR = parse_instant("2027-01-01T00:00:00Z")  # after every message of these tests


def of(message: bytes) -> Translated:
    """What one message translates to."""
    return translate("jnet", message, HEADERS, NEXT_YEAR)


def access_of(message: bytes) -> Access:
    """The one access of a message."""
    [access] = as_sent(of(message).accesses)
    return access


def rejected(message: bytes) -> RejectedInputError:
    """The error that one message gets."""
    with pytest.raises(RejectedInputError) as caught:
        of(message)
    return caught.value


def put(message: bytes, old: str, new: str) -> bytes:
    """The message with one passage of it replaced; fails where it has none."""
    assert old.encode() in message
    return message.replace(old.encode(), new.encode(), 1)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_becomes_the_access_written_beside_it(name: str) -> None:
    """Beside each message lies what a person says that it is; null for a control message."""
    [line] = (GOLDEN / f"{name}.expected.jsonl").read_bytes().splitlines()
    translated = of(MESSAGES[name])
    assert as_sent(translated.accesses) == (() if line == b"null" else (decode_access(line),))
    assert translated.is_control == (line == b"null")


# --- who it was


@pytest.mark.parametrize(
    ("written", "login"),
    [
        ("NIEF:IDP:RISS:USER:a.b@c.example", "NIEF:IDP:RISS:USER:a.b@c.example"),
        ("nief:idp:riss:user:a.b@c.example", "NIEF:IDP:RISS:USER:a.b@c.example"),
        ("NIEF:TIB:Portal-2:IDP:RISS:USER:jdoe", "NIEF:TIB:PORTAL-2:IDP:RISS:USER:jdoe"),
        ("NIEF:IDP:RISS:USER:JDoe", "NIEF:IDP:RISS:USER:JDoe"),
        ("TIB:TIB:TIB:IDP:IDP:USER:USER", "TIB:TIB:TIB:IDP:IDP:USER:USER"),
    ],
)
def test_a_login_is_the_whole_federated_id_in_one_spelling(written: str, login: str) -> None:
    """What a registry names is upper case; what the provider calls its user stays as it is."""
    assert access_of(put(PHOTO, "NIEF:IDP:PHILA-DHS:USER:jdoe@dhs.example", written)).actor == login


def test_users_who_differ_in_case_only_stay_two() -> None:
    """Taking one for the other would accuse the wrong person."""
    other = put(PHOTO, "USER:jdoe@", "USER:JDOE@")
    assert access_of(other).actor != access_of(PHOTO).actor


@pytest.mark.parametrize(
    "written",
    [
        "jdoe",
        "NIEF:IDP:RISS:USER:",
        "NIEF:IDP::USER:jdoe",
        ":IDP:RISS:USER:jdoe",
        "NIEF:USER:jdoe",
        "NIEF:IDP:RISS:jdoe",
        "NIEF:TIB:IDP:RISS:USER:jdoe",
        "NIEF:TIB:A:TIB:B:IDP:RISS:USER:jdoe",
        "NIEF:IDP:RISS:USER:jdoe:ROLE:x",
        "NIEF:IDP:RI_SS:USER:jdoe",
        "NIEF:IDP:RISS:USER:CN=John Doe",
        "NIEF:IDP:R\u0130SS:USER:jdoe",
        "NIEF:IDP:RI\u017fS:USER:jdoe",
        "NIEF:IDP:RISS:USER:jd\u043ee",
        "NIEF:IDP:RISS:USER:" + "x" * 190,
    ],
)
@pytest.mark.parametrize("who", ["User", "Requestor"])
def test_a_malformed_federated_id_is_rejected(who: str, written: str) -> None:
    """Of the user and of the requestor; a look-alike is nobody's login."""
    old = {
        "User": "NIEF:IDP:PHILA-DHS:USER:jdoe@dhs.example",
        "Requestor": "NIEF:IDP:PHILA-DHS:USER:r.tran@dhs.example",
    }
    error = rejected(put(QUERY, old[who], written))
    assert error.place == f"{who}/FederationId"
    assert written not in error.reason


def test_a_requestor_without_an_id_is_rejected() -> None:
    """Nobody is not somebody; where there is no requestor the element is left out or nil."""
    error = rejected(re.sub(rb"<i:Requestor>.*?</i:Requestor>", b"<i:Requestor/>", QUERY, flags=re.DOTALL))
    assert error.place == "Requestor/FederationId"


def test_entitlement_is_not_kept() -> None:
    """Role and application explain nothing, and there is no field for them: what is claimed is another thing."""
    without = re.sub(rb"\s*<i:(RoleCode|ApplicationName)>.*?</i:\1>", b"", PHOTO)
    assert without != PHOTO
    assert access_of(without) == access_of(PHOTO)
    assert access_of(PHOTO).purpose is None


# --- what was done


def test_a_hit_of_a_standing_search_is_an_access_of_its_own() -> None:
    """At its own instant, with its own id, in the batch of its subscription."""
    subscribed = access_of(MESSAGES["subscribe-to-a-person"])
    hit = access_of(MESSAGES["subscription-hit-long-after"])
    assert hit.batch_id == subscribed.batch_id
    assert hit.record == subscribed.record
    assert (hit.action, subscribed.action) == ("view", "subscribe")
    assert hit.event_id != subscribed.event_id
    assert hit.occurred_at - subscribed.occurred_at > 180 * 86_400_000


def test_a_control_message_has_no_number() -> None:
    """Numbers are looked for among accesses: that of a control message would be missed like a lost one."""
    numbered = put(
        MESSAGES["unsubscribe"], "</c:MessageID>", "</c:MessageID><c:MessageSequenceNumber>7</c:MessageSequenceNumber>"
    )
    assert rejected(numbered).place == "MessageSequenceNumber"


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("NIEF:", "", "User/FederationId"),
        ("2026-07-14T", "2026-07-14 ", "ActivityDateTime"),
        ("<a:SubscriptionID>W-88</a:SubscriptionID>", "", "Unsubscribe/SubscriptionID"),
        (">success<", ">maybe<", "ResultCode"),
        ("JNET-2026-0000978", "JNET 978", "MessageID"),
    ],
)
def test_a_control_message_is_checked_too(old: str, new: str, place: str) -> None:
    """One that is none would hide an access."""
    assert rejected(put(MESSAGES["unsubscribe"], old, new)).place == place


def criteria_id(**fields: str) -> str:
    """The id of an offender query by these criteria, in the order given."""
    inside = "".join(f"<c:{name}>{text}</c:{name}>" for name, text in fields.items())
    return access_of(
        re.sub(rb"(?<=<a:Criteria>).*(?=</a:Criteria>)", inside.encode(), QUERY, flags=re.DOTALL)
    ).record.id


def test_the_same_criteria_have_the_same_id() -> None:
    """However they are spaced, cased, ordered and composed, and in whichever activity."""
    first = criteria_id(SurName="Mu\u0308ller", GivenName="Ann Marie")
    assert criteria_id(GivenName="  ANN \n marie ", SurName="M\u00dcLLER") == first
    assert access_of(MESSAGES["subscribe-to-criteria"]).record == access_of(QUERY).record
    assert access_of(put(put(QUERY, "<a:Driver", "<a:Offender"), "</a:Driver", "</a:Offender").replace(
        b"OffenderLicenseQuery", b"OffenderQuery")).record == access_of(QUERY).record  # fmt: skip


def test_other_criteria_have_another_id() -> None:
    """A wild card, a hyphen and the field itself are part of the question."""
    asked = [
        criteria_id(SurName="Smith"),
        criteria_id(SurName="Smith*"),
        criteria_id(SurName="Smi-th"),
        criteria_id(GivenName="Smith"),
        criteria_id(SurName="Smith", GivenName="Smith"),
    ]
    assert len(set(asked)) == len(asked)


def test_an_id_of_criteria_names_fields_and_holds_no_value() -> None:
    """Even with every field there is room for it, and a separator in a value cannot make it another question."""
    names = ["BirthDate", "DocketNumber", "DriverLicenseID", "GivenName", "ProbeImageDigest"]
    names += ["SSN", "StateID", "SurName", "VehiclePlateID"]
    found = criteria_id(**dict.fromkeys(reversed(names), "zebra"))
    assert re.fullmatch(re.escape("+".join(names)) + "-[0-9a-f]{32}", found)
    assert len(found) <= 200


@pytest.mark.parametrize("unseen", ["\u202e", "\u200b", "\u00ad", "\ue000", "\u0085\u0080", "\ufeff"])
def test_criteria_that_cannot_be_seen_are_rejected(unseen: str) -> None:
    """Two questions that look alike would have two ids."""
    error = rejected(put(QUERY, "Example", f"Exa{unseen}mple"))
    assert error.place == "Criteria/SurName"


def found(*persons: str, quantity: int | str) -> bytes:
    """The licence query with these persons found."""
    head, rest = QUERY.split(b"<a:FoundQuantity>")
    tail = rest.rsplit(b"</c:FoundPersonID>", 1)[1]
    listed = "".join(f"<c:FoundPersonID>{person}</c:FoundPersonID>" for person in persons)
    return head + f"<a:FoundQuantity>{quantity}</a:FoundQuantity>{listed}".encode() + tail


def test_as_many_persons_are_named_as_an_access_may_name() -> None:
    """With one more a search is for nobody in particular; how many it has found is said all the same."""
    persons = [f"P-{n}" for n in range(201)]
    most = access_of(found(*persons[:200], quantity=200))
    assert [r.id for r in most.candidates or ()] == persons[:200]
    assert most.object_count == 200
    for message in (found(*persons, quantity=201), found(quantity=201)):
        assert access_of(message).candidates is None
        assert access_of(message).object_count == 201


@pytest.mark.parametrize(
    "message",
    [
        found("P-1", quantity=2),
        found("P-1", "P-2", quantity=1),
        found(quantity=1),
        found(quantity=200),
        found("P-1", quantity=201),
        found("P-1", quantity="one"),
        found(quantity=1_000_000_001),
        found(quantity="-0"),
        found("P-1", quantity="1.0"),
        found("P-1", quantity="\u0661"),
        found("P-1", quantity="9" * 5000),
    ],
)
def test_a_search_that_does_not_name_whom_it_found_is_rejected(message: bytes) -> None:
    """Whom it left out might be the one who matters."""
    assert rejected(message).place == "DriverLicenseQuery/FoundQuantity"


# --- when


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-11-01T01:30:00-04:00", "2026-11-01T05:30:00Z"),
        ("2026-11-01T01:30:00-05:00", "2026-11-01T06:30:00Z"),
        ("2026-03-08T02:30:00-05:00", "2026-03-08T07:30:00Z"),
    ],
)
def test_the_offset_says_which_hour_it_was(written: str, instant: str) -> None:
    """No hour happens twice or not at all where there is one: an instant, no interval."""
    access = access_of(put(PHOTO, "2026-01-05T09:14:03.12-05:00", written))
    assert access.occurred_at == parse_instant(instant)
    assert access.occurred_until is None


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-05T09:14:03.12",
        "2026-07-14",
        "2026-01-05T09:14-05:00",
        "2026-02-29T09:14:03-05:00",
        "2026-01-05T24:00:00-05:00",
        "2026-01-05T09:14:60-05:00",
        "2026-01-05T09:14:03-24:00",
        "1899-12-31T23:59:59Z",
        "9999-12-31T23:59:59-01:00",
        "0000-01-01T00:00:00Z",
        "20260105T091403Z",
        "\u0662026-01-05T09:14:03Z",
    ],
)
def test_a_time_that_is_no_instant_is_rejected(written: str) -> None:
    """Without an offset it may be one of several; with one that no clock has it is none."""
    error = rejected(put(PHOTO, "2026-01-05T09:14:03.12-05:00", written))
    assert error.place == "ActivityDateTime"
    assert written not in error.reason


# --- namespaces


def test_a_prefix_means_nothing() -> None:
    """Only the name that it stands for does."""
    other = PHOTO.replace(b"<a:", b"<ns1:").replace(b"</a:", b"</ns1:").replace(b"xmlns:a=", b"xmlns:ns1=")
    assert other != PHOTO
    assert of(other) == of(PHOTO)


@pytest.mark.parametrize(("uri", "place"), [(AUDIT, "message"), (COMMON, "AuditMessage"), (IDENTITY, "AuditMessage")])
def test_the_right_name_in_a_wrong_namespace_is_not_the_same(uri: str, place: str) -> None:
    """Another edition, another spelling of it, or none."""
    for other in (f"{uri}0", uri.upper(), f"{uri}/", f" {uri}"):
        error = rejected(put(PHOTO, f'"{uri}"', f'"{other}"'))
        assert error.place == place
        assert "in a namespace that is not the layout's" in error.reason


# --- what reaches out, or swells


ENTITIES = {name: message for name, message in HOSTILE.items() if b"<!DOCTYPE" in message}


@pytest.mark.parametrize("name", ENTITIES)
def test_no_document_type_is_declared(name: str) -> None:
    """So no entity is declared, none expanded and nothing fetched: a bomb is refused by its first words."""
    assert "document type" in rejected(ENTITIES[name]).reason


@pytest.mark.parametrize("name", ENTITIES)
def test_the_parser_is_not_given_a_document_type(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes on expanding after it has been told to stop."""
    monkeypatch.setattr(jnet_xml, "XMLParser", None)
    assert "document type" in rejected(ENTITIES[name]).reason


@pytest.mark.parametrize("name", ENTITIES)
def test_the_parser_refuses_a_document_type_by_itself(name: str) -> None:
    """Should a declaration get past the look at the bytes, nothing that it declares is used."""
    parser = XMLParser(target=_Builder(), encoding="utf-8")
    with pytest.raises(RejectedInputError, match="document type"):
        parser.feed(ENTITIES[name])


def test_no_hostile_message_takes_long_or_much_memory() -> None:
    """All but one have at most 64 KiB and cost no more than an honest message as long; 0.2 s and 16 MB are ample.

    The best of five: a processor that others use, too, is slower by far for a moment.
    """
    assert [name for name, message in HOSTILE.items() if len(message) > MESSAGE_MAX] == ["larger than a message may be"]
    for name, message in HOSTILE.items():
        tracemalloc.start()
        rejected(message)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert any(seconds_of(partial(rejected, message)) < 0.2 for _ in range(5)), name
        assert peak < 16_000_000, name


def seconds_of(work: Callable[[], object]) -> float:
    """Of a processor."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def test_attributes_are_counted_before_they_are_read() -> None:
    """An equals sign more than there may be is refused, wherever it stands."""
    room = ATTRIBUTES_MAX - PHOTO.count(b"=")
    assert access_of(put(PHOTO, "P-0007712", "P" + "=" * room)).record.id.endswith("=")
    assert "equals signs" in rejected(put(PHOTO, "P-0007712", "P" + "=" * (room + 1))).reason


def test_the_largest_message_is_taken_and_no_larger_one() -> None:
    """64 KiB, whatever is in them."""
    assert access_of(PHOTO.ljust(MESSAGE_MAX)) == access_of(PHOTO)
    assert rejected(PHOTO.ljust(MESSAGE_MAX + 1)).place == "message"


# --- everything else


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_message_is_rejected(name: str) -> None:
    """Each by an error that names a place; the place and the reason are ASCII and of our own words."""
    error = rejected(HOSTILE[name])
    assert error.place
    assert str(error).isascii()
    assert str(error).isprintable()


@pytest.mark.parametrize("name", HARMLESS)
def test_a_strange_message_that_is_legal_is_taken(name: str) -> None:
    """XML has many spellings of one document."""
    translated = of(HARMLESS[name])
    assert translated.is_control == (not translated.accesses)


def test_there_are_many_kinds_of_hostile_messages() -> None:
    """No two of them are the same, and none is a legal one."""
    assert len(HOSTILE) >= 40
    assert len({*HOSTILE.values(), *HARMLESS.values()}) == len(HOSTILE) + len(HARMLESS)


TEXTS = re.compile(rb">([^<>\s][^<>]*)<")


@pytest.mark.parametrize("name", MESSAGES)
def test_no_error_repeats_what_the_message_says(name: str) -> None:
    """Each text in turn is made wrong, with a word in it that no layout has."""
    message, errors = MESSAGES[name], []
    for text in TEXTS.finditer(message):
        broken = message[: text.start(1)] + b"Zq\xc2\xa0\xe2\x80\xae7-secret" + message[text.end(1) :]
        try:
            of(broken)
        except RejectedInputError as error:
            errors.append(str(error))
    assert len(errors) >= 5
    assert not any("secret" in error for error in errors)


@pytest.mark.parametrize(
    "passage",
    [
        "<secret/>",
        "<i:secret/>",
        "secret",
        "<!-- secret --><secret",
        "<?secret secret?>",
        "&secret;",
        "<![CDATA[secret]]>",
        '<i:SessionID secret="secret">x</i:SessionID>',
        "<secret:secret/>",
    ],
)
def test_no_error_repeats_a_name_that_came_with_the_message(passage: str) -> None:
    """Names of elements, attributes, entities and instructions may be data too."""
    broken = put(PHOTO, "<i:User>", f"<i:User>{passage}")
    broken = re.sub(rb"\s*<i:SessionID>s-77a1</i:SessionID>", b"", broken)
    assert "secret" not in str(rejected(broken))


@given(st.binary(max_size=300))
def test_any_bytes_are_an_access_a_control_message_or_an_error(value: bytes) -> None:
    """Nothing else comes out, whatever comes in."""
    try:
        translated = of(value)
    except RejectedInputError:
        return
    assert translated.is_control == (not translated.accesses)


MARKUP = ["<", ">", "</", "/>", "&", "&#0;", "&#x202E;", "<!--", "-->", "<![CDATA[", "]]>", "<?x?>", "<!DOCTYPE a>"]
WORDS = ['xsi:nil="true"', "xmlns:c=", "=", '"', " ", ":", "\0", "\x1b[2J", "\u202e", "9" * 30, "x" * 201, "a:Print"]
PIECES = st.sampled_from(MARKUP + WORDS).map(str.encode)


@settings(max_examples=400)
@given(
    st.data(), st.sampled_from(list(MESSAGES.values())), st.one_of(st.binary(max_size=4), PIECES), st.integers(0, 30)
)
def test_a_damaged_message_is_an_access_a_control_message_or_an_error(
    data: st.DataObject, message: bytes, insert: bytes, cut: int
) -> None:
    """The same for messages that are nearly right."""
    place = data.draw(st.integers(0, len(message)))
    try:
        translated = of(message[:place] + insert + message[place + cut :])
    except RejectedInputError:
        return
    assert translated.is_control == (not translated.accesses)
    assert all(access.source == "jnet" for access in translated.accesses)


@given(st.permutations(PHOTO.split(b"\n")[4:7]), st.integers(0, 3))
def test_the_order_of_elements_means_nothing(lines: list[bytes], spaces: int) -> None:
    """The layout has no two elements of which one must come first."""
    rest = PHOTO.split(b"\n")
    mixed = [*rest[:4], *rest[7:-2], *(b" " * spaces + line for line in lines), *rest[-2:]]
    assert of(b"\n".join(mixed)) == of(PHOTO)
