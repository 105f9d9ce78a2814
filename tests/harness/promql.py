"""Every PromQL selector that rules and dashboards contain, found in their text."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

from deploy.local.prometheus import COMMITTED

DEPLOY: Final = COMMITTED.parent
DASHBOARD: Final = DEPLOY / "grafana" / "dashboards" / "violations.json"
CONSOLES: Final = COMMITTED / "consoles"
RULES: Final = (COMMITTED / "recording.yml", COMMITTED / "pages.yml")

# `up` is an English word as well, so it counts only with its braces.
_SELECTOR: Final = re.compile(r"(?<![\w:$-])((?:needtoknow[_:][\w:]*|ALERTS)\b|up(?=\{))(\{[^{}]*\})?")
_MATCHER: Final = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)\s*(\"[^\"]*\"|'[^']*')")


@dataclass(frozen=True)
class Selector:
    """A metric and its matchers as written, such as `up{job='needtoknow'}`."""

    metric: str
    matchers: str = ""

    @property
    def labels(self) -> dict[str, str]:
        """Label -> the text it is compared with."""
        return {label: text[1:-1] for label, text in _MATCHER.findall(self.matchers)}

    def __str__(self) -> str:
        return self.metric + self.matchers


def selectors(text: str) -> Iterator[Selector]:
    """All in a text; what a Go template fills in later (%s) matches anything that is there."""
    plain = html.unescape(text).replace('\\"', '"')
    plain = re.sub(r"=\s*(['\"])%s\1", r"=~\g<1>.+\1", plain)
    for metric, matchers in _SELECTOR.findall(plain):
        yield Selector(metric, matchers)


def rules() -> Iterator[dict[str, Any]]:
    """Every recording rule and page."""
    for file in RULES:
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
            yield from group["rules"]


def grafana_expressions() -> Iterator[str]:
    """What Grafana asks, with its own variables filled in."""
    for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        for target in panel["targets"]:
            yield target["expr"].replace("$__rate_interval", "1m")


def all_selectors() -> dict[Selector, set[str]]:
    """Selector -> the files it stands in."""
    texts = [("deploy/grafana", expression) for expression in grafana_expressions()]
    texts += [("deploy/prometheus/" + ("pages.yml" if "alert" in r else "recording.yml"), r["expr"]) for r in rules()]
    texts += [(str(f.relative_to(DEPLOY.parent)), f.read_text(encoding="utf-8")) for f in sorted(CONSOLES.iterdir())]
    found: dict[Selector, set[str]] = {}
    for file, text in texts:
        for selector in selectors(text):
            found.setdefault(selector, set()).add(file)
    return found
