"""One run: a day is played through two workers while faults strike; then everything is compared with the truth."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient

from deploy.local.kafka import LocalKafka
from tests.faults.catalogue import make
from tests.faults.day import Sent, make_sent
from tests.faults.fault import Fault
from tests.faults.harness import FAULTY, Checked, Running, check, running
from tests.faults.scene import BROKER_BACK_SECONDS, GATE, SEATS, Player, Say, Scene, Seat
from tests.harness.broker import new_namespace
from tests.harness.proxy import Proxy

BEGIN_SHARE: Final = 0.08  # of the day: by then accesses are being judged
GAP_SECONDS: Final = 3.0  # between two strikes at the most
IDLE_SECONDS: Final = 180.0
LOOK: Final = 0.05
SETTINGS: Final[tuple[dict[str, str], ...]] = ({}, {"NTK_INDEX_MAX": "1000"}, {"NTK_BATCH_MESSAGES": "20"})
"""A run has one of these: as usual; an index too small for the day, so that corrections reach behind it; many cuts."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a run is to be. `faults` are names joined by plus signs; `once`: each strikes once and no more."""

    faults: str
    seed: int
    seconds: float
    accesses: int
    once: bool = False


@dataclass
class Result:
    """What a run came to."""

    order: Order
    evidence: str = ""
    is_valid: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    numbers: dict[str, Any] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Valid, and everything as it must be."""
        return self.is_valid and not self.wrong

    def line(self) -> str:
        """For people."""
        state = "good" if self.is_good else "WRONG" if self.wrong else "INVALID"
        return f"{state}: {self.order.faults}, seed {self.order.seed}: {self.evidence or 'nothing struck'}"

    def document(self) -> dict[str, Any]:
        """For `--json`."""
        order = self.order
        return {
            "faults": order.faults,
            "seed": order.seed,
            "seconds": order.seconds,
            "settings": dict(self.settings),
            "valid": self.is_valid,
            "wrong": self.wrong,
            "evidence": self.evidence,
            **self.numbers,
        }


def run(order: Order, kafka: LocalKafka, proxies: Sequence[Proxy], directory: Path, say: Say) -> Result:
    """Play, strike, heal, compare. What breaks off is a result, too: not valid, and wrong."""
    chance, faults = Random(f"{order.faults}/{order.seed}"), make(order.faults)
    result = Result(order)
    result.settings = dict(chain(chance.choice(SETTINGS).items(), *(fault.settings.items() for fault in faults)))
    settings = {**FAULTY, **result.settings}
    with running(kafka.bootstrap, directory, new_namespace(), **settings) as one:
        scene = Scene(kafka, one, _seats(directory, proxies, faults), chance, say)
        try:
            with _prepared(faults, scene):
                sent = make_sent(order.seed, order.accesses, faults, chance)
                _play(scene, sent, faults, order)
                _judge(result, scene, sent, faults)
        except Exception as error:  # also of the machine: whatever it is, the run shows nothing
            result.wrong.append(f"broke off with {type(error).__name__}: {error}")
            (directory / "traceback.txt").write_text(traceback.format_exc())
            result.evidence = "; ".join(fault.proof.evidence for fault in faults)
            _revive(scene)
        result.wrong += [f"worker {number} ended by itself with {code}" for number, code in scene.ended().items()]
        if result.is_good:
            one.service.stop()
            asyncio.run(_delete_topics(kafka.bootstrap, one.service.prefix))
        else:
            _dump(one, directory, result)
    return result


def _seats(directory: Path, proxies: Sequence[Proxy], faults: Sequence[Fault]) -> list[Seat]:
    needs_proxy = any(fault.needs_proxy for fault in faults)
    return [Seat(n, directory / f"data-{n}", proxies[n] if needs_proxy else None) for n in range(SEATS)]


@contextlib.contextmanager
def _prepared(faults: Sequence[Fault], scene: Scene) -> Iterator[None]:
    """What faults took of the machine is given back when no worker uses it any more."""
    try:
        for fault in faults:
            fault.prepare(scene)
        yield
    finally:
        taking = [fault for fault in faults if type(fault).restore is not Fault.restore]
        if taking:
            scene.asked_to_end |= {w.number for w in scene.one.service.workers if w.process.poll() is None}
            scene.one.service.stop()
        for fault in taking:
            fault.restore()


def _play(scene: Scene, sent: Sent, faults: Sequence[Fault], order: Order) -> None:
    one = scene.one
    one.play(sent.beforehand)
    for worker in [scene.seat(seat) for seat in scene.seats]:
        one.service.wait_ready(worker)
    scene.wait_shared(SEATS)
    striking = [fault for fault in faults if fault.strikes]
    parts = max(1, len(striking)) if order.once else 1
    seconds = max([order.seconds, *(fault.lasts / (GATE - 2 * BEGIN_SHARE) for fault in striking)])
    player = Player(scene.kafka.bootstrap, one.topics, sent.flowing, seconds, parts)
    player.start()
    player.begin(0)
    while player.is_flowing and player.share < BEGIN_SHARE:
        time.sleep(LOOK)
    _strike(scene, player, striking, is_once=order.once)
    player.finish()
    for fault in faults:
        fault.end(scene)
    one.wait_idle(IDLE_SECONDS)


def _strike(scene: Scene, player: Player, faults: Sequence[Fault], *, is_once: bool) -> None:
    """In turn, until the day is nearly over, and never into silence."""
    struck = 0
    while faults and player.is_flowing and not (is_once and struck >= len(faults)):
        fault = faults[struck % len(faults)]
        if struck // len(faults) >= fault.strikes:
            return
        if is_once:
            player.begin(struck)
        fault.strike(scene)
        time.sleep(fault.hold_seconds(scene.chance))  # how long it lasts, not a wait for something
        fault.heal(scene)
        struck += 1
        if fault.proofs:
            scene.tell(fault.proofs[-1].evidence)
        time.sleep(scene.chance.uniform(0, GAP_SECONDS))  # when the next one strikes: at any moment


def _judge(result: Result, scene: Scene, sent: Sent, faults: Sequence[Fault]) -> None:
    for fault in faults:
        fault.prove(scene)
    checked = check(scene.one, sent.expected)
    result.evidence = "; ".join(fault.proof.evidence for fault in faults)
    result.is_valid = all(fault.proof.happened for fault in faults)
    result.wrong += checked.faults()
    result.numbers = _numbers(checked, sent)


def _numbers(checked: Checked, sent: Sent) -> dict[str, Any]:
    outcome = checked.outcome
    return {
        "accesses": checked.report["accesses"],
        "due": len(sent.expected.findings),
        "standing": len(outcome.standing),
        "false": len(outcome.false),
        "missed": len(outcome.missed),
        "other_verdict": len(outcome.wrong),
        "dead_letters": checked.letters,
        "dead_letters_due": checked.due_letters,
        "repeats": checked.repeats,
        "cuts": checked.report["cuts"],
        "verified": checked.report["verified"],
    }


def _revive(scene: Scene) -> None:
    """So that what stands can be looked at, and the next run has a broker."""
    for seat in scene.seats:
        if seat.proxy is not None:
            seat.proxy.mend()
    scene.kafka.resume()
    if not scene.kafka.is_running:
        scene.kafka.restart(wait_seconds=BROKER_BACK_SECONDS)


def _dump(one: Running, directory: Path, result: Result) -> None:
    """Everything that lies on the topics, beside the workers' logs, for whoever looks for the cause."""
    (directory / "result.json").write_text(json.dumps(result.document(), indent=2))
    for topic in one.topics.all():
        with contextlib.suppress(Exception), (directory / f"{topic.name}.jsonl").open("w") as file:
            for m in one.messages(topic.name):
                fields = {"p": m.partition, "o": m.offset, "t": m.timestamp, "k": _text(m.key), "v": _text(m.value)}
                file.write(json.dumps(fields) + "\n")


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="replace")


async def _delete_topics(bootstrap: str, prefix: str) -> None:
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        await client.delete_topics([name for name in await client.list_topics() if name.startswith(prefix)])
    finally:
        await client.close()
