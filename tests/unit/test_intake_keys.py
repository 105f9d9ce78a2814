"""Who may speak for whom: what the file of keys says, and what it must not."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from schemas.errors import NotReadyError, RejectedInputError
from schemas.settings import Settings
from schemas.topics import SOURCES
from sinks.cli.receive import receive
from streams.intake.key_file import KeyFile
from streams.intake.keys import FILE_MAX, Keys, hash_of, read_keys
from streams.intake.tls import names_of, server_context

SECRET = "ntk_of-somebody"
OLD, NEW, OTHER = (hash_of(f"ntk_{name}") for name in ("old", "new", "other"))
FILE = f"""
[ecms]
keys = ["{OLD}", "{NEW}"]
certificates = ["CN=ecms.example.org"]
[jnet]
keys = ["{OTHER}"]
certificates = ["URI=spiffe://example.org/jnet", "CN=jnet.example.org"]
[clean]
"""


def test_keys_rotate_and_each_is_of_one_source() -> None:
    """The old one is good beside the new one; none that is not there is."""
    keys = read_keys(FILE.encode(), SOURCES)
    assert [keys.of_key(f"ntk_{name}") for name in ("old", "new", "other", "gone")] == ["ecms", "ecms", "jnet", None]
    assert [keys.of_key(odd) for odd in ("", OLD, "\udcff", "ntk_old ")] == [None] * 4
    assert read_keys(b"", SOURCES) == Keys()


def test_a_certificate_is_of_whom_it_names() -> None:
    """By its common name or a URI; one that names two sources is nobody's."""
    keys = read_keys(FILE.encode(), SOURCES)
    whom = ((("countryName", "US"),), (("commonName", "ecms.example.org"),))
    uris = (("DNS", "ecms.example.org"), ("URI", "spiffe://example.org/jnet"))
    assert keys.of_names(names_of({"subject": whom})) == "ecms"
    assert keys.of_names(names_of({"subject": (), "subjectAltName": uris})) == "jnet"
    assert keys.of_names(names_of({"subject": whom, "subjectAltName": uris})) is None
    assert keys.of_names(names_of({"subject": (), "subjectAltName": uris[:1]})) is None
    assert keys.of_names(names_of(None)) is None


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f'[nobody]\nkeys = ["{OLD}"]', "keys"),
        (f'[ecms]\nkeys = ["{OLD}"]\n[jnet]\nkeys = ["{OLD}"]', "jnet.keys"),
        ('[ecms]\ncertificates = ["CN=a"]\n[jnet]\ncertificates = ["CN=a"]', "jnet.certificates"),
        (f'[ecms]\nkeys = ["{SECRET}"]', "ecms.keys"),
        (f'[ecms]\nkeys = ["{OLD.upper()}"]', "ecms.keys"),
        (f'[ecms]\nkeys = "{SECRET}"', "ecms.keys"),
        (f"[ecms]\nkeys = [{', '.join([repr(OLD)] * 21)}]", "ecms.keys"),
        ('[ecms]\ncertificates = ["ecms.example.org"]', "ecms.certificates"),
        (f'[ecms]\nkey = "{SECRET}"', "ecms"),
        (f'ecms = "{SECRET}"', "ecms"),
        (f'["{SECRET}"]\nkeys = []', "*"),
        (f'[ecms]\nkeys = ["{SECRET}', "keys"),
        ("\udcff", "keys"),
        ("#" * FILE_MAX + "##", "keys"),
    ],
)
def test_a_file_that_is_wrong_is_refused_without_repeating_it(text: str, place: str) -> None:
    """A key that was put there itself must not reach a log."""
    with pytest.raises(RejectedInputError) as error:
        read_keys(text.encode("utf-8", "surrogateescape"), SOURCES)
    assert error.value.place == place
    assert SECRET not in str(error.value)
    assert error.value.__cause__ is None


def test_a_file_that_becomes_wrong_leaves_the_keys_as_they_were(tmp_path: Path) -> None:
    """It says why; once it is right again, what it says counts."""
    path = tmp_path / "keys.toml"
    path.write_text(FILE)
    file = KeyFile(path, SOURCES)
    for spoil, why in (
        (lambda: path.write_text("["), "not TOML"),
        (path.unlink, "cannot be read"),
        (lambda: (path.write_text(FILE), path.chmod(0o666)), "chmod"),
    ):
        spoil()
        assert file.read() is False
        assert why in str(file.why_not)
        assert file.keys.of_key("ntk_old") == "ecms"
    path.chmod(0o640)
    assert file.has_changed()
    path.write_text(FILE.replace(f'"{OLD}", ', ""))
    assert file.read()
    assert (file.why_not, file.keys.of_key("ntk_old"), file.keys.of_key("ntk_new")) == (None, None, "ecms")


def test_nothing_begins_without_a_file(tmp_path: Path) -> None:
    """Rather than take nobody's word, or everybody's."""
    with pytest.raises(NotReadyError, match="NTK_RECEIVE_KEYS_FILE"):
        KeyFile(tmp_path / "none.toml", SOURCES)


def test_a_new_key_is_the_one_whose_hash_is_printed_beside_it() -> None:
    """What it prints is a file of keys as it stands, and the key is not in it."""
    runs = [CliRunner().invoke(receive, ["new-key", "ecms"]) for _ in range(2)]
    (key, file), (other, _) = ((run.stdout.split("\n", 1)) for run in runs)
    assert read_keys(file.encode(), SOURCES).of_key(key) == "ecms"
    assert key not in file
    assert key != other
    assert len(key) > 40
    assert CliRunner().invoke(receive, ["new-key", "nobody"]).exit_code == 2


def test_keys_are_not_sent_in_the_clear_unless_somebody_says_so() -> None:
    """On loopback they go nowhere; behind a proxy it is the proxy's business."""
    for host in ("127.0.0.1", "::1", "localhost"):
        assert server_context(Settings(receive_host=host)) is None
    for host in ("0.0.0.0", "10.0.0.7", "::", "receive.example.org"):
        with pytest.raises(NotReadyError, match=r"NTK_RECEIVE_TLS_CERT.*NTK_RECEIVE_WITHOUT_TLS"):
            server_context(Settings(receive_host=host))
        assert server_context(Settings(receive_host=host, receive_without_tls=True)) is None


def test_half_of_tls_is_none(tmp_path: Path) -> None:
    """A certificate without its key, or who signs clients' without either, is a mistake; so is a file that is none."""
    for given in ({"receive_tls_cert": tmp_path}, {"receive_tls_key": tmp_path}, {"receive_tls_client_ca": tmp_path}):
        with pytest.raises(NotReadyError, match="both"):
            server_context(Settings(**given))
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    with pytest.raises(NotReadyError, match="cannot be used"):
        server_context(Settings(receive_tls_cert=empty, receive_tls_key=empty))
