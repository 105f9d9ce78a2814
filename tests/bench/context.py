"""What every bench of one invocation measures with."""

from __future__ import annotations

import argparse
import gc
from dataclasses import dataclass
from pathlib import Path

from streams.garbage import keep_for_good

from .broker import Broker
from .workload import Plan, Workload, make_workload


@dataclass(frozen=True)
class Bench:
    """The arguments, the broker, a folder for logs and state, and the load before anything of ours was started."""

    args: argparse.Namespace
    broker: Broker
    scratch: Path
    load_before: float

    def plan(self, accesses: int) -> Plan:
        """As asked for, with so many accesses."""
        args = self.args
        return Plan(accesses=accesses, subjects=args.subjects, staff=args.staff, share=args.share, seed=args.seed)


def prepared(plan: Plan) -> Workload:
    """The workload, so that the collector leaves it alone while a program is timed."""
    print(f"making {plan.accesses:,} accesses", flush=True)
    gc.unfreeze()
    workload = make_workload(plan)
    keep_for_good()
    return workload
