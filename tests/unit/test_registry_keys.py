"""The registry's keys: whose messages must be signed, by which keys, from when on; each fault named by its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from schemas import registry_keys
from schemas.errors import RejectedInputError
from schemas.registry import entries_in, read_registry, registered, registry_hash
from schemas.registry_keys import KEYS_MAX
from schemas.settings import Settings
from schemas.signing import Signer
from schemas.topics import SOURCES, Source, SourceKey
from sinks.cli.signing import signing_key
from streams.sources import Translators
from tests.harness.signatures import make_signer

X = make_signer().x
KEY = f"""
[[keys.ecms]]
id = "ecms-2026"
x = "{X}"
since = "2026-12-01T00:00:00Z"
"""
KIOSK = '[sources.kiosk]\ntitle = "records room kiosk"\n'


def sources_of(text: str) -> dict[str, Source]:
    """All that there are with this registry."""
    return {**SOURCES, **entries_in(text.encode())}


def test_a_source_of_ours_and_one_of_the_registry_may_have_keys() -> None:
    """It is that source and nothing else of it is changed; only what an entry made counts as registered."""
    found = sources_of(KEY + KEY.replace("ecms-2026", "ecms-2027") + KIOSK + KEY.replace("keys.ecms", "keys.kiosk"))
    held = SourceKey(id="ecms-2026", x=X, since="2026-12-01T00:00:00Z")
    assert found["ecms"].keys[0] == held
    assert [key.id for key in found["ecms"].keys] == ["ecms-2026", "ecms-2027"]
    assert found["ecms"].content_types == SOURCES["ecms"].content_types
    assert found["kiosk"].keys == (held,)
    assert list(registered(found)) == ["kiosk"]


def test_processes_with_other_keys_have_another_registry() -> None:
    """One that lacks a key would take for forged what the others judge: RegistryDiverging."""
    hashes = [registry_hash(sources_of(text)) for text in ("", KEY, KEY.replace("ecms-2026", "other"), KIOSK)]
    assert len(set(hashes)) == len(hashes)


WRONG = {
    "no table": ('keys = "x"', "keys", "must be tables [[keys.NAME]]"),
    "no list": (KEY.replace("[[keys.ecms]]", "[keys.ecms]"), "keys.ecms", "valid"),
    "none": ("[keys]\necms = []", "keys.ecms", "at least 1"),
    "too many": (KEY * (KEYS_MAX + 1), "keys.ecms", f"at most {KEYS_MAX}"),
    "nobody": (KEY.replace("ecms]", "kiosk]"), "keys.kiosk", "is no source"),
    "the console": (KEY.replace("ecms]", "console]"), "keys.console", "does not sign"),
    "in the entry": (KIOSK + 'keys = ["x"]', "sources.kiosk.keys", "[[keys.kiosk]]"),
    "unknown": (KEY + 'kid = "x"', "keys.ecms.1.kid", "is unknown; there are id, x, since, until"),
    "no id": (KEY.replace('id = "ecms-2026"', ""), "keys.ecms.1.id", "required"),
    "an id with a space": (KEY.replace("ecms-2026", "ecms 2026"), "keys.ecms.1.id", "without spaces"),
    "a long id": (KEY.replace("ecms-2026", "k" * 101), "keys.ecms.1.id", "1 to 100"),
    "the same id": (KEY + KEY, "keys.ecms", "an id of its own"),
    "no key": (KEY.replace(X, "AAAA"), "keys.ecms.1.x", "43 characters"),
    "padded": (KEY.replace(X, X + "="), "keys.ecms.1.x", "43 characters"),
    "hexadecimal": (KEY.replace(X, "00" * 32), "keys.ecms.1.x", "43 characters"),
    "not ASCII": (KEY.replace(X, "ä" * 43), "keys.ecms.1.x", "43 characters"),
    "a date": (KEY.replace("2026-12-01T00:00:00Z", "2026-12-01"), "keys.ecms.1.since", "RFC 3339"),
    "TOML's own date": (KEY.replace('"2026-12-01T00:00:00Z"', "2026-12-01"), "keys.ecms.1.since", "RFC 3339"),
    "backwards": (KEY + 'until = "2026-11-01T00:00:00Z"', "keys.ecms.1.until", "later than since"),
}


@pytest.mark.parametrize(("text", "place", "reason"), WRONG.values(), ids=WRONG.keys())
def test_each_fault_is_named_by_its_place(text: str, place: str, reason: str) -> None:
    """Whoever wrote the registry reads it at the start of a process."""
    with pytest.raises(RejectedInputError) as error:
        sources_of(text)
    assert error.value.place == place
    assert reason in error.value.reason


def test_keys_without_what_checks_signatures_are_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that takes everything for forged, or nothing, would be worse."""
    monkeypatch.setattr(registry_keys, "find_spec", lambda name: None)
    with pytest.raises(RejectedInputError, match="install the extra `signatures`"):
        sources_of(KEY)
    assert sources_of("") == SOURCES


def test_a_new_key_goes_into_a_file_for_its_owner_and_into_the_registry(tmp_path: Path) -> None:
    """What is printed is what the registry takes, and the file signs for it."""
    file, registry = tmp_path / "ecms.pem", tmp_path / "sources.toml"
    made = CliRunner().invoke(signing_key, [str(file), "--source", "ecms"])
    assert made.exit_code == 0, made.output
    assert file.stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" not in made.output
    registry.write_text(made.stdout, encoding="utf-8")
    [key] = read_registry(registry)["ecms"].keys
    assert key.id.startswith("ecms-20")
    assert key.x == Signer.from_file(key.id, file).x
    assert not Translators(Settings(sources_file=registry).topics).reads_in_bulk("ecms")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--source", "nobody"], "must be one of"),
        (["--source", "console"], "does not sign"),
        (["--source", "ecms", "--id", 'a"b'], "letters, digits and signs"),
        (["--source", "ecms", "--id", ""], "letters, digits and signs"),
    ],
)
def test_a_key_is_made_for_a_source_that_can_sign(tmp_path: Path, arguments: list[str], why: str) -> None:
    """And no file is left of one that is refused."""
    made = CliRunner().invoke(signing_key, [str(tmp_path / "key.pem"), *arguments])
    assert made.exit_code == 2
    assert why in made.output
    assert not list(tmp_path.iterdir())


def test_a_key_is_never_written_over_another(tmp_path: Path) -> None:
    """What the old one has signed could not be signed again."""
    file = tmp_path / "ecms.pem"
    file.write_text("the old one")
    made = CliRunner().invoke(signing_key, [str(file), "--source", "ecms"])
    assert (made.exit_code, file.read_text()) == (2, "the old one")
    assert "is there already" in made.output
