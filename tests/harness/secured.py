"""A real broker with TLS, passwords and deny-by-default, as deploy/kafka/server.properties describes it."""

from __future__ import annotations

import asyncio
import logging
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy.kafka.credentials import Keeper
from deploy.local.jars import Say
from deploy.local.kafka import LocalKafka
from deploy.local.ports import HOST, free_port
from schemas.settings import Settings
from streams.connect import at
from tests.harness.certificates import make_certificates

PROPERTIES: Final = Path(__file__).parents[2] / "deploy" / "kafka" / "server.properties"
ADMIN: Final = "admin"
START_SECONDS: Final = 180.0  # 5 on a quiet machine; more than 60 were seen on one that did seven such things at once


@dataclass(frozen=True)
class Secured:
    """The broker, and the directory of everybody's credentials."""

    kafka: LocalKafka
    credentials: Path
    ca: Path

    def file(self, name: str) -> Path:
        """What NTK_SETTINGS_FILE is for this principal."""
        return self.credentials / f"{name}.toml"

    def settings(self, name: str) -> Settings:
        """This principal's, from its file."""
        return settings_in(self.file(name))


def settings_in(file: Path) -> Settings:
    """As NTK_SETTINGS_FILE gives them."""
    found: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    return Settings(**found)


@contextmanager
def secured_broker(directory: Path, say: Say) -> Iterator[Secured]:
    """Started with one user, `admin`, and no rule."""
    ca = make_certificates(directory / "certificates")
    ports = dict(zip(("CLIENTS_PORT", "BROKERS_PORT", "CONTROLLER_PORT"), (free_port() for _ in range(3)), strict=True))
    broker = f"{HOST}:{ports['CLIENTS_PORT']}"
    at_admin = Settings(broker=broker, kafka_security="SSL", kafka_ca_file=ca)
    keeper = Keeper(directory / "credentials", at_admin)
    password = keeper.password(ADMIN)
    admin = settings_in(keeper.file(ADMIN))
    with LocalKafka.start(
        directory / "kafka",
        port=ports["CLIENTS_PORT"],
        properties=_properties(ports, ca.parent),
        format_options=["--add-scram", f"SCRAM-SHA-512=[name={ADMIN},password={password}]"],
        is_ready=lambda: asyncio.run(_answers(admin)),
        wait_seconds=START_SECONDS,
        say=say,
    ) as kafka:
        yield Secured(kafka, keeper.directory, ca)
    shutil.rmtree(directory / "kafka" / "data")


def _properties(ports: dict[str, int], certificates: Path) -> dict[str, str]:
    text = PROPERTIES.read_text(encoding="utf-8")
    for word, port in ports.items():
        text = text.replace(f":{word}", f":{port}")
    text = text.replace("HOST:", f"{HOST}:").replace("DIRECTORY/", f"{certificates}/")
    lines = (line.partition("=") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: value for name, _, value in lines}


async def _answers(settings: Settings) -> bool:
    """Whether it lets its administrator in, and has got ready for groups."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it complains of each try
    client = AIOKafkaAdminClient(**at(settings))
    try:
        await client.start()
        await client.find_coordinator("ready")
    except (KafkaError, OSError):
        return False
    finally:
        await client.close()
    return True
