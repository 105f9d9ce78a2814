"""What the histories are about: a law that holds of histories in which nothing happens holds of any judge."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Final, get_args

from schemas.access import canonical
from schemas.fact import Account, Assignment, Fact, FactKind, RegisteredFact, Waiver
from schemas.finding import Certainty, Outcome, PathName, Transition
from schemas.topics import CONSOLE
from tests.harness.history import Crash, Forget, Freeze, History, Leave, Look, Send, Stray
from tests.harness.history_chance import AFTER, YEARS_15
from tests.harness.play import Played

RARE: Final = 0.01
MANY: Final = 5_000


def features(played: Played) -> set[str]:
    """Everything that this history has."""
    found = {f"grace {played.history.policy.grace_seconds} s", *_policy(played.history), *_acts(played)}
    facts = [fact for fact in played.facts if isinstance(fact, RegisteredFact)]
    for fact in facts:
        found.update(_of_fact(fact))
    by_name: defaultdict[tuple[str, str], list[RegisteredFact]] = defaultdict(list)
    for fact in facts:
        by_name[fact.feed, fact.fact_id].append(fact)
    for known in by_name.values():
        found.update(_of_revisions(known))
    found.update(_together(facts))
    found.update(_of_accesses(played))
    found.update(_of_findings(played))
    return found


def _policy(history: History) -> Iterator[str]:
    paths = history.policy.paths
    for name, path in paths:
        if not path.enabled:
            yield f"policy without {name}"
    yield f"policy with depth {paths.supervises.depth}"
    if paths.covers.enabled and not paths.covers.carries_line:
        yield "policy whose coverage carries no line"
    if history.silent:
        yield "feed that never comes back"


def _acts(played: Played) -> Iterator[str]:
    names: Mapping[type, str] = {
        **{Crash: "crash", Freeze: "worker taken for dead", Stray: "zombie's act", Look: "look"},
        **{Leave: "worker that loses its partitions", Forget: "horizon"},
    }
    yield from {names[type(act)] for act in played.history.acts if type(act) in names}
    if any(isinstance(act, Crash) and act.torn for act in played.history.acts):
        yield "torn store"
    if any(isinstance(said, Waiver) for said in played.facts):
        yield "waiver"
    if played.returned:
        yield "partitions that come back"
    if played.restored:
        yield "worker with a snapshot"
    if played.worker.backfilled:
        yield "backfill"
    if played.worker.corrected:
        yield "correction of what was closed"
    if played.worker.answered:
        yield "answer to somebody else"
    if any(played.worker._born_at.values()):
        yield "looking back"


def _of_fact(fact: RegisteredFact) -> Iterator[str]:
    body: object = fact.body
    is_unit = isinstance(body, Assignment) and body.unit is not None
    yield f"{'unit ' if is_unit else ''}{fact.body.kind}"
    if fact.void:
        yield "void"
    if fact.valid_to == fact.valid_from:
        yield "interval of no time"
    if fact.valid_from > AFTER + YEARS_15 // 2:
        yield "fact 15 years ahead"
    yield "mark kept" if fact.known_from == fact.recorded_at else "mark broken"


def _of_revisions(known: list[RegisteredFact]) -> Iterator[str]:
    if len({fact.body.kind for fact in known}) > 1:
        yield "fact that changes its kind"
    contents: dict[int, str] = {}
    highest = 0
    for fact in known:
        said = fact.model_dump_json(exclude={"feed", "known_from"})
        if contents.setdefault(fact.revision, said) != said:
            yield "same revision, other content"
        elif fact.revision < highest:
            yield "late lower revision"
        highest = max(highest, fact.revision)
    ordered = sorted({fact.revision: fact for fact in reversed(known)}.values(), key=lambda f: f.revision)
    if len(ordered) > 2:
        yield "correction of a correction"
    for before, after in pairwise(ordered):
        yield from _correction(before, after)


def _correction(before: Fact, after: Fact) -> Iterator[str]:
    if after.void and not before.void:
        yield "void of what held"
    if before.void and not after.void:
        yield "restored after void"
    if isinstance(before.body, Account) and isinstance(after.body, Account) and before.body.staff != after.body.staff:
        yield "login corrected to another person"
    if after.recorded_at < before.recorded_at:
        yield "revision recorded before a lower one"
    if after.body == before.body and after.valid_to is not None and not after.void:
        if before.valid_to is None or after.valid_to < before.valid_to:
            yield "interval made shorter"
        elif after.valid_to > before.valid_to:
            yield "interval made longer"


def _together(facts: Iterable[RegisteredFact]) -> Iterator[str]:
    top: dict[tuple[str, str], RegisteredFact] = {}
    for fact in facts:
        if (fact.feed, fact.fact_id) not in top or fact.revision > top[fact.feed, fact.fact_id].revision:
            top[fact.feed, fact.fact_id] = fact
    held = [fact for fact in top.values() if not fact.void]
    pairs = [(a, b) for n, a in enumerate(held) for b in held[:n] if _overlap(a, b) and a.body.kind == b.body.kind]
    for a, b in pairs:
        match a.body, b.body:
            case (Assignment(), Assignment()) if a.body == b.body:
                yield "overlapping assignments of one pair"
            case (Account(), Account()) if a.body.login == b.body.login and a.body.staff != b.body.staff:
                yield "shared login"
    if _has_loop({(f.body.supervisor, f.body.staff) for f in held if f.body.kind == "supervision"}):
        yield "loop of supervision"


def _overlap(a: Fact, b: Fact) -> bool:
    return (a.valid_to is None or b.valid_from < a.valid_to) and (b.valid_to is None or a.valid_from < b.valid_to)


def _has_loop(edges: set[tuple[str, str]]) -> bool:
    reached = {(a, b) for a, b in edges if a != b}
    while more := {(a, d) for a, b in reached for c, d in reached if b == c} - reached:
        reached |= more
    return any(a == b for a, b in reached)


def _of_accesses(played: Played) -> Iterator[str]:
    sent = [act for act in played.history.acts if isinstance(act, Send)]
    if any(act.access is None for act in sent):
        yield "message nobody can read"
    if any(len(places) > 1 for places in played.places.values()):
        yield "repeat"
    names: defaultdict[str, set[bytes]] = defaultdict(set)
    times: defaultdict[bytes, set[str]] = defaultdict(set)
    for asked in played.asked.values():
        access = asked.access
        names[access.event_id].add(canonical(access))
        times[canonical(access)].add(asked.name)
        if access.candidates:
            yield "search with candidates"
        if access.occurred_until is not None and access.occurred_until > access.occurred_at:
            yield "imprecise time"
        if access.occurred_at > asked.appended_at:
            yield "clock ahead"
        if access.source == CONSOLE:
            yield "access at the alert console"
        if access.result == "denied":
            yield "attempt that failed"
    if any(len(found) > 1 for found in names.values()):
        yield "same id, other content"
    if any(len(found) > 1 for found in times.values()):
        yield "repeat of what was dated ahead"


def _of_findings(played: Played) -> Iterator[str]:
    last: dict[str, Outcome] = {}
    staff: dict[str, str | None] = {}
    for f in played.stored.findings:
        yield f"transition {f.transition}"
        yield f"outcome {f.outcome}"
        yield f"certainty {f.certainty}"
        yield from (f"flag {flag}" for flag in f.flags)
        yield from (f"explanation {said.path}" for said in f.explanations)
        yield from (f"near miss {said.path}" for said in f.near_misses)
        if f.finding_id in last and f.outcome != last[f.finding_id]:
            yield f"{last[f.finding_id]} then {f.outcome}"
        if staff.get(f.finding_id, f.staff) != f.staff and None not in (f.staff, staff[f.finding_id]):
            yield "finding that moves to another person"
        last[f.finding_id], staff[f.finding_id] = f.outcome, f.staff
    for cuts in played.stored.cuts.values():
        for cut, _ in cuts:
            if cut.settled is not None:
                yield "settlement cut"
            if cut.accesses.get("pending"):
                yield "pending in a cut"


def _wanted() -> Iterator[str]:
    yield from (f"grace {seconds} s" for seconds in (0, 600, 3600))
    yield from (f"policy without {name}" for name in ("own_assignment", "supervises", "covers", "reviews"))
    yield from (f"policy with depth {depth}" for depth in (1, 2, 3))
    yield from ("policy whose coverage carries no line", "feed that never comes back", "waiver", "crash", "look")
    yield from ("worker taken for dead", "zombie's act", "torn store", "looking back", "backfill", "horizon")
    yield from ("worker that loses its partitions", "partitions that come back", "worker with a snapshot")
    yield from ("correction of what was closed", "answer to somebody else")
    yield from get_args(FactKind)
    yield from ("unit assignment", "void", "interval of no time", "fact 15 years ahead", "mark kept", "mark broken")
    yield from ("fact that changes its kind", "same revision, other content", "late lower revision")
    yield from ("correction of a correction", "void of what held", "restored after void")
    yield from ("login corrected to another person", "revision recorded before a lower one")
    yield from ("interval made shorter", "interval made longer", "overlapping assignments of one pair")
    yield from ("shared login", "loop of supervision", "message nobody can read", "repeat")
    yield from ("repeat of what was dated ahead", "search with candidates", "imprecise time", "clock ahead")
    yield from ("access at the alert console", "near miss reviews")
    yield from (f"explanation {path}" for path in get_args(PathName))
    yield from ("attempt that failed", "same id, other content", "finding that moves to another person")
    yield from (f"transition {name}" for name in get_args(Transition))
    yield from (f"outcome {name}" for name in get_args(Outcome))
    yield from (f"certainty {name}" for name in get_args(Certainty))
    yield from ("flag borderline", "flag clock-ahead", "flag shared-login", "settlement cut", "pending in a cut")
    adverse = ("unexplained", "late", "revoked", "unresolved")
    turns = [f"{one} then {other}" for one in ("explained", *adverse) for other in ("explained", *adverse)]
    yield from (turn for turn in turns if turn not in SELDOM and turn.split()[0] != turn.split()[-1])


SELDOM: Final = (
    "late then revoked",
    "revoked then late",
    "revoked then unexplained",
    "unresolved then revoked",
    "explained then late",
)
"""Here *then* changes after something was said: only while it is not final, and mostly with *now* at once."""
WANTED: Final = tuple(_wanted())
"""What a thousand histories must have at least ten times."""


def holes(seen: Mapping[str, int], histories: int) -> list[str]:
    """What comes up in fewer than one history of a hundred; or, of what comes seldom, in none of many."""
    missing = [name for name in WANTED if seen.get(name, 0) < RARE * histories]
    return missing + [name for name in SELDOM if histories >= MANY and not seen.get(name)]


def table(seen: Mapping[str, int], histories: int, say: Callable[[str], None]) -> None:
    """How many histories had each, in the order in which they are wanted."""
    for name in (*WANTED, *sorted(set(seen) - set(WANTED))):
        share = 100 * seen.get(name, 0) / max(1, histories)
        say(f"  {name:<40} {seen.get(name, 0):>7} {share:6.1f} %{' RARE' if share < 100 * RARE else ''}")


def counted(all_played: Iterable[Played]) -> Counter[str]:
    """Of many."""
    return Counter(name for played in all_played for name in features(played))
