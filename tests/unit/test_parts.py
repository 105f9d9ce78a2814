"""A missing real part is loud: skipped and counted on a laptop, failed where a skip would go unseen."""

import pytest

from tests.harness.parts import count_missing, require_part


def skipped(reason: str) -> pytest.TestReport:
    """The report of a test skipped for this reason."""
    return pytest.TestReport("id", ("file", 1, "test"), {}, "skipped", ("file", 1, f"Skipped: {reason}"), "setup")


def test_a_part_that_is_there_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The path that shutil.which found is passed as it is."""
    monkeypatch.setenv("CI", "true")
    require_part("amtool", "/some/bin/amtool", "apt-get install prometheus-alertmanager")


def test_a_missing_part_skips_on_a_laptop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads it learns how to get the part."""
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"amtool.*apt-get install prometheus-alertmanager"):
        require_part("amtool", None, "apt-get install prometheus-alertmanager")


def test_a_missing_part_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """There nobody reads the list of skips."""
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="amtool"):
        require_part("amtool", None, "apt-get install prometheus-alertmanager")


def test_skips_are_counted_by_part_and_others_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test skipped for a reason of its own says nothing about this machine."""
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception) as skip:
        require_part("chromium", None, "apt-get install chromium")
    reports = [skipped(str(skip.value)), skipped(str(skip.value)), skipped("only on Linux")]
    assert count_missing(reports) == {"chromium. To get it: apt-get install chromium": 2}
