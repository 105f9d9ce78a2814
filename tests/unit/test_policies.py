"""Policy documents: the built-in one is whole, and a wrong one is refused naming the place."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import get_args

import pytest

from schemas.access import Action
from schemas.errors import RejectedInputError
from schemas.finding import Outcome
from schemas.policy import Policy
from streams.policies import load_policy
from tests.harness.builders import make_policy

BUILT_IN = files("streams.policy").joinpath("default.toml").read_text(encoding="utf-8")
ACTIONS: tuple[Action, ...] = get_args(Action)


def refused(path: Path, text: str) -> RejectedInputError:
    """What is said of this document."""
    file = path / "policy.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(RejectedInputError) as error:
        load_policy(file)
    return error.value


# --- the built-in policy


def test_the_built_in_policy_says_what_the_design_says() -> None:
    """An hour of grace, all paths on, two steps of supervision, coverage carries the line."""
    policy = load_policy()
    assert (policy.name, policy.version, policy.grace_ms) == ("confidentiality", 2, 3_600_000)
    paths = policy.paths
    assert all(path.enabled for path in (paths.own_assignment, paths.supervises, paths.covers, paths.reviews))
    assert (paths.supervises.depth, paths.covers.carries_line) == (2, True)


@pytest.mark.parametrize("action", ACTIONS)
def test_the_built_in_policy_covers_every_action_once(action: Action) -> None:
    """A clause with words and a citation, and a severity for each outcome that is a finding."""
    policy = load_policy()
    assert [c.name for c in policy.clauses if action in c.actions] == [policy.clause_of(action).name]
    assert policy.clause_of(action).cites in {"C3", "C7"}
    assert policy.clause_of(action).text.startswith("Employees violate this policy when they ")
    assert all(action in policy.severity[outcome] for outcome in get_args(Outcome) if outcome != "explained")


def test_giving_away_weighs_most_and_bringing_back_least() -> None:
    """The built-in grades of an unexplained access."""
    grades = load_policy().severity["unexplained"]
    assert (grades["disclose"], grades["edit"], grades["view"], grades["return"]) == (
        "critical",
        "high",
        "medium",
        "low",
    )


def test_every_feed_that_a_path_reads_gates() -> None:
    """Accounts are always needed; more only for the paths that are on."""
    assert load_policy().gating_feeds() == {"assignments", "staff", "cases"}
    nothing = make_policy(own=False, supervises=False, covers=False)
    assert nothing.gating_feeds() == {"staff"}


def test_a_file_of_ones_own_is_read(tmp_path: Path) -> None:
    """In place of the built-in one, with a hash of its own."""
    file = tmp_path / "policy.toml"
    file.write_text(BUILT_IN.replace("grace_seconds = 3600", "grace_seconds = 60"), encoding="utf-8")
    policy = load_policy(file)
    assert policy.grace_ms == 60_000
    assert policy.hash() != load_policy().hash()


def test_a_hash_is_of_what_the_policy_says_and_not_of_how_it_is_written(tmp_path: Path) -> None:
    """Comments and order of keys change nothing."""
    file = tmp_path / "policy.toml"
    file.write_text("# other words\n" + BUILT_IN.replace("enabled = true\ndepth = 2", "depth = 2\nenabled = true"))
    assert load_policy(file).ref() == load_policy().ref()


BEFORE_REVIEWS = "a3cfde78c194de994389207bdf6edaf8599187f9cf848b708e6c74a480bbf669"


def test_a_document_from_before_alerts_were_held_means_what_it_meant(tmp_path: Path) -> None:
    """Cuts and findings name it by the hash it had, and `verify --policy` must find it: without the path, so that the
    console gates nothing. Saying so changes nothing; switching it on does."""
    section = BUILT_IN[BUILT_IN.index("# At the alert console only") : BUILT_IN.index("[[clauses]]")]
    old = BUILT_IN.replace(section, "").replace("version = 2", "version = 1")
    found = {}
    for name, text in (("old", old), ("off", old + "[paths.reviews]\nenabled = false\n"), ("on", old + section)):
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        found[name] = load_policy(file)
    assert found["old"].hash() == found["off"].hash() == BEFORE_REVIEWS
    assert found["on"].hash() != BEFORE_REVIEWS
    assert [policy.paths.reviews.enabled for policy in found.values()] == [False, False, True]


# --- wrong documents

LAST_CLAUSE = BUILT_IN[BUILT_IN.rindex("[[clauses]]") : BUILT_IN.index("[severity.unexplained]")]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("grace_seconds = 3600", "grace_seconds = -1"), "policy.grace_seconds"),
        (("grace_seconds = 3600", "grace_seconds = 2592001"), "policy.grace_seconds"),
        (("grace_seconds = 3600", 'grace_seconds = "an hour"'), "policy.grace_seconds"),
        (("grace_seconds = 3600", "grace = 3600"), "policy.grace_seconds"),
        (("version = 2", "version = 0"), "policy.version"),
        (("semantics = 1", "semantics = 2"), "policy.semantics"),
        (("semantics = 1\n", ""), "policy.semantics"),
        (('name = "confidentiality"', 'name = "two words"'), "policy.name"),
        (("version = 2", "version = 2\nextra = 1"), "policy.extra"),
        (("[paths.reviews]\nenabled = true", "[paths.reviews]\nenabled = 1"), "policy.paths.reviews.enabled"),
        (("[paths.reviews]\n", "[paths.reviews]\nsources = 1\n"), "policy.paths.reviews.sources"),
        (("depth = 2", "depth = 0"), "policy.paths.supervises.depth"),
        (("depth = 2", "depth = 11"), "policy.paths.supervises.depth"),
        (("depth = 2", "depth = 2\nlimit = 3"), "policy.paths.supervises.limit"),
        (("[paths.covers]\nenabled = true\ncarries_line = true\n", ""), "policy.paths.covers"),
        (("carries_line = true", 'carries_line = "yes"'), "policy.paths.covers.carries_line"),
        (('actions = ["export", "disclose"]', 'actions = ["export", "shout"]'), "policy.clauses.2.actions.1"),
        (('actions = ["export", "disclose"]', "actions = []"), "policy.clauses.2.actions"),
        (('actions = ["export", "disclose"]', 'actions = ["export"]'), "policy.clauses"),
        ((LAST_CLAUSE, ""), "policy.clauses"),
        (('subscribe = "high"', 'subscribe = "grave"'), "policy.severity.unexplained.subscribe"),
        (('subscribe = "high"\n', ""), "policy.severity.unexplained"),
        (("[severity.revoked]", "[severity.revoke]"), "policy.severity.revoke.[key]"),
        (("[severity.late]", '[severity.late]\nshout = "low"'), "policy.severity.late.shout.[key]"),
    ],
)
def test_a_wrong_document_is_refused_naming_the_place(change: tuple[str, str], place: str, tmp_path: Path) -> None:
    """Whoever wrote it finds the line; a worker never judges by half a policy."""
    assert BUILT_IN.count(change[0]) >= 1
    assert refused(tmp_path, BUILT_IN.replace(change[0], change[1], 1)).place == place


@pytest.mark.parametrize("outcome", ["unexplained", "late", "revoked", "unresolved"])
def test_an_outcome_without_severities_is_refused_by_name(outcome: str, tmp_path: Path) -> None:
    """All four must be graded."""
    text = BUILT_IN + "\n[ignore]\n"
    start = text.index(f"[severity.{outcome}]")
    without = text[:start] + text[text.index("\n[", start) + 1 :].removesuffix("[ignore]\n")
    error = refused(tmp_path, without)
    assert error.place == f"policy.severity.{outcome}"
    assert error.reason == f"says nothing about the action {ACTIONS[0]}"


def test_an_action_that_no_clause_covers_is_named(tmp_path: Path) -> None:
    """It would stop the judge at the first such access."""
    error = refused(tmp_path, BUILT_IN.replace('["export", "disclose"]', '["export"]'))
    assert error.reason == "no clause covers the action disclose"


def test_what_is_not_toml_is_refused(tmp_path: Path) -> None:
    """With the line, by the reader of TOML itself."""
    error = refused(tmp_path, "name = confidentiality\n")
    assert error.place == "policy"
    assert error.reason.startswith("is not TOML: ")
    assert "line 1" in error.reason


def test_a_file_that_cannot_be_read_is_refused_naming_it(tmp_path: Path) -> None:
    """A worker that starts without its policy must say which file it looked for."""
    with pytest.raises(RejectedInputError, match=r"No such file.*nowhere\.toml"):
        load_policy(tmp_path / "nowhere.toml")


def test_a_file_in_another_encoding_is_refused_at_its_byte(tmp_path: Path) -> None:
    """An editor may have saved it as Windows-1252."""
    file = tmp_path / "policy.toml"
    file.write_bytes(b'name = "caf\xe9"')
    with pytest.raises(RejectedInputError, match="not UTF-8 at byte 11"):
        load_policy(file)


def test_an_explained_access_needs_no_severity() -> None:
    """It is no finding."""
    assert "explained" not in load_policy().severity
    assert isinstance(load_policy(), Policy)
