"""All faults there are, by name."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from tests.faults.fault import Fault
from tests.faults.in_feeds import FeedDelayed, FeedRestarted, FeedSilent, FeedWaived
from tests.faults.in_sources import HotKey, PartitionsAdded, SourceReplayed
from tests.faults.on_broker import BrokerKilled, BrokerPaused
from tests.faults.on_connections import ConnectionCut, ConnectionSlowed, ConnectionStalled
from tests.faults.on_files import DiskFull, StateDeleted
from tests.faults.on_workers import Killed, Storm, Zombie

FAULTS: Final = MappingProxyType(
    {
        fault.name: fault
        for fault in (
            Killed,
            Zombie,
            Storm,
            BrokerKilled,
            BrokerPaused,
            ConnectionCut,
            ConnectionStalled,
            ConnectionSlowed,
            StateDeleted,
            DiskFull,
            FeedSilent,
            FeedWaived,
            FeedDelayed,
            FeedRestarted,
            SourceReplayed,
            HotKey,
            PartitionsAdded,
        )
    }
)


def make(names: str) -> list[Fault]:
    """New ones by their names, joined by plus signs. Raises KeyError for a name that is none."""
    return [FAULTS[name]() for name in names.split("+")]
