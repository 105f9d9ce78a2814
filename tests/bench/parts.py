"""Each bench: run, shown, and held against what was wanted."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Final

from . import alerts, alerts_report, costs, costs_report, disorder_report, memory, open_report, report, workers_report
from .alerts_load import AlertPlan
from .context import Bench, prepared
from .costs_report import Costs, Sizes
from .disorder import disorder
from .disorder_load import Load
from .drain import Observer, Row, drain
from .goals import Goal, Part
from .open_loop import Asked, RateRow, open_loop
from .programs import OURS, PROGRAMS, Program
from .two_workers import share_work
from .workers_report import WorkersRow
from .workload import Workload


def run_drain(bench: Bench) -> Part:
    """(a) How fast a backlog is worked off, beside other programs."""
    args = bench.args
    programs = [PROGRAMS[name] for name in args.programs]
    for program in programs:
        program.build()
    workload = prepared(bench.plan(args.accesses))
    rows: report.Rows = {program.name: [] for program in programs}
    for number in range(args.repeat):
        for program in programs if number % 2 == 0 else reversed(programs):  # so that none always comes first
            rows[program.name].append(one_drain(bench, program, number + 1, workload))
    report.show(rows)
    return Part(
        name="drain",
        is_right=all(row.is_right for some in rows.values() for row in some),
        goals=report.goals(rows),
        rough_edges=report.ROUGH_EDGES,
        document={
            "plan": asdict(workload.plan),
            "runs": [row.as_json() for some in rows.values() for row in some],
            "medians": report.medians(rows),
            "ratios": report.ratios(rows),
            "differences": {program.name: program.differences for program in programs},
        },
    )


def run_open_loop(bench: Bench) -> Part:
    """(b) From an access to its finding, at steady rates."""
    names = ("rates", "highest", "refine", "warm_up", "seconds", "share", "subjects", "staff", "seed")
    asked = Asked(**{name: getattr(bench.args, name) for name in names})
    rows: dict[str, list[RateRow]] = {}
    for name in bench.args.open_programs:
        PROGRAMS[name].build()
        rows[name] = open_loop(PROGRAMS[name], asked, broker=bench.broker, scratch=bench.scratch)
    open_report.show(rows)
    return Part(
        name="open-loop",
        is_right=all(some and all(row.is_right for row in some) for some in rows.values()),
        goals=open_report.goals(rows),
        rough_edges=open_report.ROUGH_EDGES,
        document={"asked": asdict(asked), "rates": [row.as_json() for some in rows.values() for row in some]},
    )


def run_disorder(bench: Bench) -> Part:
    """(c) Facts that come late or turn out otherwise while accesses flow."""
    args = bench.args
    load = Load(
        rate=args.disorder_rate,
        seconds=args.disorder_seconds,
        scale=args.scale,
        begin=0,
        subjects=args.disorder_records,
        staff=args.disorder_staff,
        share=args.share,
        late=args.late,
        shortened=args.shortened,
        void=args.void,
        storm=args.storm,
        seed=args.seed,
    )
    found = disorder(load, broker=bench.broker, scratch=bench.scratch)
    disorder_report.show(found)
    return Part(
        name="disorder",
        is_right=found.is_right,
        goals=disorder_report.goals(found),
        rough_edges=disorder_report.ROUGH_EDGES,
        document=found.as_json(),
    )


def run_two_workers(bench: Bench) -> Part:
    """(d) Several workers against one."""
    args = bench.args
    workload = prepared(bench.plan(args.shared_accesses))
    rows: list[WorkersRow] = []
    for number in range(args.shared_repeat):
        for workers in args.workers if number % 2 == 0 else reversed(args.workers):
            row = share_work(workers, number + 1, workload, broker=bench.broker, scratch=bench.scratch)
            print(json.dumps(row.as_json()), flush=True)
            rows.append(row)
    workers_report.show(rows)
    return Part(
        name="two-workers",
        is_right=all(row.is_right for row in rows),
        goals=workers_report.goals(rows),
        rough_edges=workers_report.ROUGH_EDGES,
        document={
            "plan": asdict(workload.plan),
            "runs": [row.as_json() for row in rows],
            "cpu_s_per_million": workers_report.medians(rows),
        },
    )


def run_costs(bench: Bench) -> Part:
    """(e) Memory, loading, one question, judging again."""
    args = bench.args
    sizes = Sizes(
        few_facts=args.few_facts,
        many_facts=args.many_facts,
        few_accesses=args.few_accesses,
        many_accesses=args.many_accesses,
    )
    found = Costs(
        sizes=sizes,
        few=costs.start(sizes.few_facts, broker=bench.broker, scratch=bench.scratch),
        many=costs.start(sizes.many_facts, broker=bench.broker, scratch=bench.scratch),
        index=costs.index_memory(sizes, broker=bench.broker, scratch=bench.scratch),
        pure=costs.pure_all(sizes),
    )
    return Part(
        name="costs",
        is_right=True,
        goals=costs_report.goals(found),
        rough_edges=costs_report.ROUGH_EDGES,
        document=found.as_json(),
    )


def run_alerts(bench: Bench) -> Part:
    """(f) A store of alerts that is full."""
    args = bench.args
    plan = AlertPlan(alerts=args.alerts, seed=args.seed)
    sizes = alerts.Sizes(plan=plan, rounds=args.rounds, kinds=tuple(args.stores))
    found = alerts.measure(sizes, bench.scratch)
    alerts_report.show(found)
    return Part(
        name="alerts",
        is_right=True,
        goals=alerts_report.goals(found),
        rough_edges=alerts_report.ROUGH_EDGES,
        document={"plan": asdict(plan), **{kind: one.as_json() for kind, one in found.items()}},
    )


def run_memory(bench: Bench) -> Part:
    """Memory beside a backlog."""
    rows = [one_drain(bench, OURS, 1, prepared(bench.plan(backlog))) for backlog in bench.args.backlogs]
    memory.show(rows)
    grown = memory.growth(rows)
    return Part(
        name="memory",
        is_right=all(row.is_right for row in rows),
        goals=[
            Goal(part="memory", what=f"growth, {name.replace('_', ' ')}", unit="B", measured=value)
            for name, value in grown.items()
        ],
        rough_edges=memory.ROUGH_EDGES,
        document={"backlogs": bench.args.backlogs, "runs": [row.as_json() for row in rows], **grown},
    )


def one_drain(bench: Bench, program: Program, number: int, workload: Workload, observer: Observer | None = None) -> Row:
    """One program, one backlog."""
    row = drain(program, number, broker=bench.broker, workload=workload, scratch=bench.scratch, observer=observer)
    print(json.dumps(row.as_json()), flush=True)
    return row


PARTS: Final[dict[str, Callable[[Bench], Part]]] = {
    "drain": run_drain,
    "open-loop": run_open_loop,
    "disorder": run_disorder,
    "two-workers": run_two_workers,
    "costs": run_costs,
    "alerts": run_alerts,
    "memory": run_memory,
}
