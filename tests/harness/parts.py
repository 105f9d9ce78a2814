"""Real parts (broker, Prometheus, browser): a missing one is a loud, counted skip on a laptop, a failure in CI."""

import os
from collections import Counter
from collections.abc import Iterable

import pytest

_REASON = "real part missing: "


def require_part(name: str, found: object, how_to_get: str) -> None:
    """Lets the test go on when `found` is something (what shutil.which gave, say); else skips it, or fails it in CI.

    `how_to_get` is what a person types or does to have the part.
    """
    if found:
        return
    message = f"{_REASON}{name}. To get it: {how_to_get}"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def count_missing(skipped: Iterable[pytest.TestReport]) -> Counter[str]:
    """Counts the tests skipped for each part that `require_part` found missing; other skips do not count."""
    reasons = (report.longrepr[2] for report in skipped if isinstance(report.longrepr, tuple))
    return Counter(reason.partition(_REASON)[2] for reason in reasons if _REASON in reason)
