"""What the Grafana dashboard shows, as a table. Keys are those of the console's `data-panel`; a test compares the two.

Everything asks the recording rules, so a number means the same on both dashboards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Shape = Literal["stat", "bars", "lines", "table"]


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel. `asks` is (legend, expression); of a table the legend names the column its values stand in.

    `limits` are (value from which, colour); `words` replace a value by a word and its colour.
    """

    key: str
    title: str
    question: str
    shape: Shape
    asks: tuple[tuple[str, str], ...]
    width: int
    height: int = 7
    unit: str = "short"
    limits: tuple[tuple[float, str], ...] = ()
    words: tuple[tuple[float, str, str], ...] = ()
    words_in: str = ""
    join_by: str = ""


SEVERITY_COLOURS: Final = {"critical": "red", "high": "orange", "medium": "yellow", "low": "blue"}
READY: Final = ((0, "down or not ready", "red"), (1, "ready", "green"))
STATES: Final = ((0, "up to date", "green"), (1, "behind", "orange"), (2, "silent", "red"))
RAISED: Final = 'needtoknow_findings_total{transition="raised"}'
UNCLOSED: Final = "needtoknow:alerts:unclosed"

PANELS: Final = (
    Panel(
        key="state",
        title="Workers ready",
        question="Is anything being judged?",
        shape="stat",
        asks=(("ready", "needtoknow:workers:ready"), ("known", "needtoknow:workers:known")),
        width=4,
        height=5,
    ),
    Panel(
        key="findings-last-hour",
        title="Findings, last hour",
        question="How many accesses of the last hour does no recorded duty explain, by severity?",
        shape="stat",
        asks=(("{{severity}}", "sum by (severity) (needtoknow:findings:raised_1h)"),),
        width=8,
        height=5,
    ),
    Panel(
        key="explained-share",
        title="Explained by a duty",
        question="Which share of the last hour's accesses does a recorded duty explain?",
        shape="stat",
        asks=(("", "needtoknow:accesses:explained_ratio_1h"),),
        width=4,
        height=5,
        unit="percentunit",
    ),
    Panel(
        key="pending",
        title="Waiting for a feed",
        question="How many accesses wait, and how long has the oldest?",
        shape="stat",
        asks=(("waiting", "needtoknow:pending:sum"), ("oldest, seconds", "needtoknow:pending:oldest_seconds")),
        width=4,
        height=5,
    ),
    Panel(
        key="accesses-per-second",
        title="Accesses judged per second",
        question="How much is coming in?",
        shape="stat",
        asks=(("", "sum(needtoknow:accesses:per_second)"),),
        width=4,
        height=5,
    ),
    Panel(
        key="findings-over-time",
        title="Findings over time",
        question="When were findings raised, and how severe?",
        shape="bars",
        asks=(("{{severity}}", f"sum by (severity) (increase({RAISED}[$__rate_interval]))"),),
        width=12,
    ),
    Panel(
        key="access-to-finding",
        title="From access to finding",
        question="How long from the append of an access to its first finding being stored?",
        shape="lines",
        asks=(("p{{quantile}}", "needtoknow:access_to_finding_seconds:5m"),),
        width=12,
        unit="s",
    ),
    Panel(
        key="findings-by-outcome",
        title="Findings by outcome and severity",
        question="What was raised since the workers started?",
        shape="table",
        asks=(("raised", "needtoknow:findings:raised"),),
        width=8,
    ),
    Panel(
        key="sources",
        title="Sources",
        question="What became of the last hour's accesses, and how far behind is the judge?",
        shape="table",
        asks=(
            ("accesses", "sum by (source) (needtoknow:accesses_total:grown_1h)"),
            ("explained", 'sum by (source) (needtoknow:accesses:became_1h{outcome="explained"})'),
            ("waiting", 'sum by (source) (needtoknow:accesses:became_1h{outcome="pending"})'),
            ("found", 'sum by (source) (needtoknow:accesses:became_1h{outcome!~"explained|pending"})'),
            ("lag, seconds", "needtoknow:lag:seconds"),
            ("unread", "needtoknow:lag:messages"),
        ),
        width=16,
        join_by="source",
    ),
    Panel(
        key="feeds",
        title="Feeds of duties",
        question="How complete is our knowledge?",
        shape="table",
        asks=(
            ("state", "needtoknow:feed:state"),
            ("mark age, seconds", "needtoknow:feed:mark_age_seconds"),
            ("silent for, seconds", "needtoknow:feed:silence_seconds"),
        ),
        width=12,
        words=STATES,
        words_in="state",
        join_by="feed",
    ),
    Panel(
        key="missing",
        title="What may be missing",
        question="Did everything come that was given, when it was promised, and by a clock that is right?",
        shape="table",
        asks=(
            ("heard, seconds ago", "needtoknow:sources:heard_seconds"),
            ("missing", "needtoknow:sources:missing"),
            ("missing for, seconds", "needtoknow:sources:missing_seconds"),
            ("short files", "needtoknow:sources:short_files"),
            ("silent past its promise, seconds", "needtoknow:sources:silent_seconds"),
            ("overdue, seconds", "needtoknow:sources:overdue_seconds"),
            ("clock ahead, seconds", "needtoknow:sources:clock_off_seconds"),
        ),
        width=24,
        join_by="source",
    ),
    Panel(
        key="workers",
        title="Workers",
        question="Who judges, by which version, policy and registry?",
        shape="table",
        asks=(
            ("ready", "sum by (instance) (needtoknow_ready)"),
            ("", "sum by (instance, version, policy, policy_hash, sources_hash) (needtoknow_build_info)"),
            ("unregistered topics", "sum by (instance) (needtoknow_unregistered_topics)"),
            ("facts read", "sum by (instance) (needtoknow_facts_position)"),
            ("open", "sum by (instance) (needtoknow_open_accesses)"),
        ),
        width=12,
        words=READY,
        words_in="ready",
        join_by="instance",
    ),
    Panel(
        key="dead-letters",
        title="Dead letters",
        question="What could not be read since the workers started?",
        shape="table",
        asks=(("letters", "needtoknow:dead_letters:total > 0"),),
        width=8,
    ),
    Panel(
        key="ledger",
        title="Ledger cuts per minute",
        question="Is what was judged being proved?",
        shape="lines",
        asks=(("{{kind}}", "60 * sum by (kind) (rate(needtoknow_ledger_cuts_total[$__rate_interval]))"),),
        width=8,
    ),
    Panel(
        key="pages",
        title="Firing pages",
        question="What is wrong with our own health?",
        shape="table",
        asks=(
            (
                "",
                'sum by (alertname, severity, feed, source, instance, stage, obligation) (ALERTS{alertstate="firing"})',
            ),
        ),
        width=8,
    ),
    Panel(
        key="alerts-waiting",
        title="Alerts that nobody has decided",
        question="How many wait or are held, has the oldest waited too long, and how long do people take (7 days)?",
        shape="table",
        asks=(
            ("not taken", f"sum by (severity) ({UNCLOSED}{{status=~'open|reopened'}})"),
            ("taken", f"sum by (severity) ({UNCLOSED}{{status='acknowledged'}})"),
            ("oldest waits, seconds", "needtoknow:alerts:oldest_unacknowledged_seconds"),
            ("over its time, seconds", "clamp_min(needtoknow:alerts:overdue_seconds, 0)"),
            ("half taken in, seconds", "sum by (severity) (needtoknow:alerts:acknowledge_seconds:7d{quantile='0.5'})"),
            ("90 % taken in, seconds", "sum by (severity) (needtoknow:alerts:acknowledge_seconds:7d{quantile='0.9'})"),
            ("half closed in, seconds", "sum by (severity) (needtoknow:alerts:close_seconds:7d{quantile='0.5'})"),
            ("90 % closed in, seconds", "sum by (severity) (needtoknow:alerts:close_seconds:7d{quantile='0.9'})"),
        ),
        width=12,
        join_by="severity",
    ),
    Panel(
        key="precision",
        title="Confirmed, of what people decided",
        question="By clause, with its 95 % interval (Wilson): is what we find what people confirm?",
        shape="table",
        asks=(
            ("decided", "needtoknow:alerts:decided"),
            ("share", "needtoknow:alerts:precision_ratio"),
            ("from", "needtoknow:alerts:precision_low"),
            ("to", "needtoknow:alerts:precision_high"),
            ("withdrawn", "sum by (clause) (needtoknow:alerts:closed{disposition='withdrawn'})"),
            ("unclear", "sum by (clause) (needtoknow:alerts:closed{disposition='policy_unclear'})"),
        ),
        width=12,
        join_by="clause",
    ),
    Panel(
        key="acts",
        title="Acts and consoles",
        question="Is what people do safe, and is what is found read?",
        shape="stat",
        asks=(
            ("consoles", "needtoknow:consoles:up"),
            ("chain holds", "needtoknow:chain:holds"),
            ("checked, seconds ago", "needtoknow:chain:checked_seconds"),
            ("findings all read, seconds ago", "needtoknow:findings:unread_seconds"),
            ("oldest act not mirrored, seconds", "needtoknow:outbox:oldest_seconds"),
            ("owed: {{obligation}}", "needtoknow:obligations:open"),
            ("shown unmasked", "max(needtoknow_reveals_total)"),
            ("copies taken", "max(needtoknow_exports_total)"),
        ),
        width=24,
        height=5,
    ),
)
