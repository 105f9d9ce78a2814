"""Fills a store of alerts as the service does, only without Kafka: 500 happenings in one transaction."""

from __future__ import annotations

import time
from itertools import islice
from typing import Final

from schemas.act import Actor
from schemas.finding import MessagePlace
from sinks.alerts.commanding import Command
from sinks.alerts.writing import act_on, hear
from sinks.store.store import Store
from sinks.store.writing import SqlWriting

from .alerts_load import TOPIC, Acted, AlertPlan, Happening, happenings

PIECE: Final = 500
SAY_SECONDS: Final = 10.0


def fill(store: Store, plan: AlertPlan) -> int:
    """Everything that happens; how many acts came of it."""
    store.upgrade()
    walking, ids = happenings(plan), [""] * plan.alerts
    began = told = time.monotonic()
    acts = 0
    while piece := list(islice(walking, PIECE)):
        with store.writing() as writing:
            acts += sum(_write(writing, ids, n, what) for n, what in enumerate(piece, acts))
        if (now := time.monotonic()) - told >= SAY_SECONDS:
            told = now
            print(f"  {piece[-1].alert:,} alerts, {acts:,} acts, {acts / (now - began):,.0f} acts/s", flush=True)
    return acts


def _write(writing: SqlWriting, ids: list[str], offset: int, what: Happening) -> int:
    if isinstance(what, Acted):
        actor = Actor(staff=what.staff, login=f"{what.staff}-login", role="analyst")
        command = Command(actor=actor, bodies=what.bodies)
        act_on(writing, ids[what.alert], command, what.at)
        return len(what.bodies)
    acts = hear(writing, what.finding, MessagePlace(topic=TOPIC, partition=0, offset=offset), what.at)
    ids[what.alert] = ids[what.alert] or acts[0].alert_id
    return len(acts)
