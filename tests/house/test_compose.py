"""docker-compose.yml and the Dockerfile, checked without Docker: against the specification, and for sense.

compose-spec.json is the schema that Docker Compose itself uses, taken from the Go module
github.com/compose-spec/compose-go/v2 v2.16.2 (Apache License 2.0).
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any, Final

import click
import pytest
import yaml
from jsonschema import Draft202012Validator

from schemas.act import ROLES
from schemas.settings import Settings
from schemas.topics import SOURCES
from sinks.cli.main import cli
from sinks.console.signing_in import demo_users, is_loopback
from streams.intake.keys import Keys, read_keys
from streams.intake.running import STOP_SECONDS

ROOT: Final = Path(__file__).resolve().parents[2]
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
KAFKA: Final[dict[str, str]] = SERVICES["kafka"]["environment"]
OURS: Final = {name: service for name, service in SERVICES.items() if "build" in service}
WORKERS: Final = {name: service for name, service in OURS.items() if name.startswith("worker")}
DOCKERFILE: Final = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FIELDS: Final = {f"NTK_{name.upper()}" for name in Settings.model_fields}


def _addresses(listeners: str) -> dict[str, tuple[str, int]]:
    """Kafka's NAME://host:port,... as name -> (host, port)."""
    parts = re.findall(r"(\w+)://([^:,]*):(\d+)", listeners)
    return {name: (host, int(port)) for name, host, port in parts}


def _published(service: dict[str, Any]) -> set[tuple[str, int, int]]:
    """(address, port on this machine, port inside)."""
    split = (port.rsplit(":", 2) for port in service.get("ports", ()))
    return {(address, int(outside), int(inside)) for address, outside, inside in split}


def test_it_follows_the_compose_specification() -> None:
    """The schema Docker Compose itself checks with."""
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text(encoding="utf-8"))
    errors = [f"{list(e.absolute_path)}: {e.message}" for e in Draft202012Validator(schema).iter_errors(COMPOSE)]
    assert errors == []


def test_it_has_all_parts() -> None:
    """Kafka, its topics, two workers, a watch, a console, HTTP intake, both dashboards, and what tells of pages."""
    workers, boards = {"worker-1", "worker-2"}, {"prometheus", "alertmanager", "grafana"}
    assert set(SERVICES) == {"kafka", "topics", "watch", "console", "receive", *workers, *boards}


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name: str) -> None:
    """A full version, so that everybody runs the same."""
    assert re.search(r":v?\d+\.\d+\.\d+$", SERVICES[name]["image"])


def test_our_image_has_our_version() -> None:
    """The tag follows pyproject.toml."""
    assert {service["image"] for service in OURS.values()} == {f"needtoknow:{PROJECT['version']}"}


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_loopback_only(name: str) -> None:
    """Nothing here is encrypted or signed in, so no other machine may reach it."""
    assert {address for address, _, _ in _published(SERVICES[name])} <= {"127.0.0.1"}
    assert SERVICES[name].get("network_mode") == ("host" if name == "console" else None)


def test_the_console_is_reached_from_this_machine_only() -> None:
    """In the host's network, on its loopback: there its demo users may have no password."""
    console = SERVICES["console"]
    environment = console["environment"]
    assert is_loopback(environment["NTK_CONSOLE_HOST"])
    assert environment["NTK_BROKER"] == Settings.model_fields["broker"].default
    assert environment["NTK_ADMIN_PORT"] == environment["NTK_CONSOLE_PORT"]  # where the image's health check asks
    users = demo_users(console["command"][console["command"].index("--demo-users") + 1])
    assert set(users.values()) == set(ROLES)
    assert "networks" not in console
    assert console["volumes"] == [f"console-data:{environment['NTK_DATA_DIR']}"]


@pytest.mark.parametrize("name", SERVICES)
def test_whatever_is_mounted_exists(name: str) -> None:
    """Docker would make an empty directory of a misspelt path. What is ours is mounted read-only."""
    for mount in SERVICES[name].get("volumes", ()):
        source, _, rest = mount.partition(":")
        if source.startswith("."):
            assert (ROOT / source).exists(), mount
            assert rest.endswith(":ro"), mount
        else:
            assert source in COMPOSE["volumes"], mount


def test_every_volume_is_used_once() -> None:
    """Two workers on one data directory would overwrite each other's caches."""
    used = [m.split(":")[0] for s in SERVICES.values() for m in s.get("volumes", ()) if not m.startswith(".")]
    assert sorted(used) == sorted(COMPOSE["volumes"])


@pytest.mark.parametrize("name", OURS)
def test_environment_names_are_settings_with_good_values(name: str) -> None:
    """A misspelt NTK_ name would be ignored in silence."""
    environment = {k: v for k, v in OURS[name]["environment"].items() if k.startswith("NTK_")}
    assert environment.keys() == OURS[name]["environment"].keys()
    assert environment.keys() <= FIELDS
    values = {k.removeprefix("NTK_").lower(): v for k, v in environment.items()}
    assert Settings.model_validate_strings(values).broker == values["broker"]


@pytest.mark.parametrize("name", OURS)
def test_commands_exist(name: str) -> None:
    """The CLI knows the command, its sub-command and its options."""
    command: click.Command = cli
    words = iter(OURS[name]["command"])
    for word in words:
        if isinstance(command, click.Group):
            found = command.get_command(click.Context(command), word)
            assert found, word
            command = found
        else:
            [option] = [parameter for parameter in command.params if word in parameter.opts]
            if not getattr(option, "is_flag", True):
                assert next(words)


@pytest.mark.parametrize("name", OURS)
def test_ours_has_no_more_rights_than_it_needs(name: str) -> None:
    """Reads audit records of many people: no root, no capability, no way to write outside its data."""
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service


def test_a_client_is_told_an_address_that_it_can_reach() -> None:
    """Services are told the service's name, the host its published port; each is an address Kafka listens on."""
    listens = _addresses(KAFKA["KAFKA_LISTENERS"])
    told = _addresses(KAFKA["KAFKA_ADVERTISED_LISTENERS"])
    assert told["INTERNAL"] == ("kafka", listens["INTERNAL"][1])
    address, port = told["EXTERNAL"]
    assert (address, port, listens["EXTERNAL"][1]) in _published(SERVICES["kafka"])
    inside = {name: service for name, service in OURS.items() if name != "console"}
    assert {service["environment"]["NTK_BROKER"] for service in inside.values()} == {f"kafka:{told['INTERNAL'][1]}"}
    assert Settings.model_fields["broker"].default == f"{address}:{port}"


def test_kafka_is_one_node_that_knows_itself() -> None:
    """Controller and broker in one; every listener has a protocol; single copies where there is one node."""
    listens = _addresses(KAFKA["KAFKA_LISTENERS"])
    protocols = dict(pair.split(":") for pair in KAFKA["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))
    assert protocols.keys() == listens.keys()
    controller = KAFKA["KAFKA_CONTROLLER_LISTENER_NAMES"]
    assert KAFKA["KAFKA_CONTROLLER_QUORUM_VOTERS"] == f"{KAFKA['KAFKA_NODE_ID']}@kafka:{listens[controller][1]}"
    assert KAFKA["KAFKA_INTER_BROKER_LISTENER_NAME"] in _addresses(KAFKA["KAFKA_ADVERTISED_LISTENERS"])
    assert {v for k, v in KAFKA.items() if "REPLICATION_FACTOR" in k or k.endswith("MIN_ISR")} == {"1"}


def test_kafka_keeps_its_data_on_the_volume() -> None:
    """The evidence survives `docker compose down`."""
    assert SERVICES["kafka"]["volumes"] == [f"kafka-data:{KAFKA['KAFKA_LOG_DIRS']}"]


def test_workers_start_when_the_topics_are_there() -> None:
    """Broker healthy, then topics made, then workers; each worker keeps its data on its own volume."""
    assert SERVICES["topics"]["depends_on"] == {"kafka": {"condition": "service_healthy"}}
    assert "--single-broker" in SERVICES["topics"]["command"]
    for service in WORKERS.values():
        assert service["depends_on"] == {"topics": {"condition": "service_completed_successfully"}}
        assert service["volumes"][0].split(":")[1] == service["environment"]["NTK_DATA_DIR"]


@pytest.mark.parametrize("name", SERVICES)
def test_what_goes_on_running_has_a_health_check(name: str) -> None:
    """Kafka, Prometheus, Alertmanager and Grafana here, workers in the image; what ends by itself has none."""
    check = SERVICES[name].get("healthcheck", {})
    if name == "topics":
        assert check == {"disable": True}
    elif name in OURS:
        assert check == {}
        assert "HEALTHCHECK" in DOCKERFILE
        assert "'/live'" in DOCKERFILE
    else:
        assert check["test"][0] == "CMD"
        ports = re.findall(r":(\d+)", " ".join(check["test"]))
        inside = {port for _, _, port in _published(SERVICES[name])} | {19092}
        assert {int(port) for port in ports} <= inside


def test_no_two_services_are_published_at_one_port() -> None:
    """The second would not start. Who asks a watch on this machine asks where it is published."""
    outside = [port for service in SERVICES.values() for _, port, _ in _published(service)]
    assert len(outside) == len(set(outside))
    [(_, port, _)] = _published(SERVICES["watch"])
    assert Settings.model_fields["watch_url"].default == f"http://127.0.0.1:{port}"


def test_accesses_come_by_http_from_this_machine_only() -> None:
    """Without TLS, so on its loopback; nobody has a key until somebody makes one; a stop has the time that it takes."""
    service = SERVICES["receive"]
    environment = service["environment"]
    port = Settings.model_fields["receive_port"].default
    assert _published(service) == {("127.0.0.1", port, int(environment["NTK_RECEIVE_PORT"]))}
    [mount] = service["volumes"]
    source, inside, _ = mount.split(":")
    file = ROOT / source / Path(environment["NTK_RECEIVE_KEYS_FILE"]).name
    assert environment["NTK_RECEIVE_KEYS_FILE"] == f"{inside}/{file.name}"
    assert read_keys(file.read_bytes(), SOURCES) == Keys({}, {})
    needed = Settings.model_fields["receive_store_seconds"].default + 2 * STOP_SECONDS
    assert int(service["stop_grace_period"].removesuffix("s")) > needed


def test_prometheus_scrapes_what_works() -> None:
    """Targets are services that exist, at the port they listen on, on all interfaces of their container."""
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8"))
    targets = {t for job in config["scrape_configs"] for s in job["static_configs"] for t in s["targets"]}
    scraped = {**WORKERS, "watch": OURS["watch"], "receive": OURS["receive"]}
    assert targets == {f"{name}:{service['environment']['NTK_ADMIN_PORT']}" for name, service in scraped.items()}
    assert {service["environment"]["NTK_ADMIN_HOST"] for service in (*WORKERS.values(), OURS["watch"])} == {"0.0.0.0"}
    watch = OURS["watch"]["environment"]
    assert watch["NTK_ADMIN_PORT"] == watch["NTK_WATCH_PORT"]  # where the image's health check asks
    for service in WORKERS.values():
        assert service["expose"] == [service["environment"]["NTK_ADMIN_PORT"]]


def test_prometheus_finds_its_files_where_they_are_mounted() -> None:
    """Configuration, rules and the console."""
    flags = dict(flag.removeprefix("--").split("=", 1) for flag in SERVICES["prometheus"]["command"])
    for flag in ("config.file", "web.console.templates", "web.console.libraries"):
        inside = flags[flag].removeprefix("/etc/prometheus/")
        assert (ROOT / "deploy" / "prometheus" / inside).exists(), flag
    assert (ROOT / "deploy/prometheus/consoles/violations.html").exists()


def test_prometheus_tells_the_alertmanager_that_is_there() -> None:
    """The address is a service and the port it listens on, and that is the address a notification names."""
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8"))
    [alertmanager] = config["alerting"]["alertmanagers"]
    ((address, outside, inside),) = _published(SERVICES["alertmanager"])
    assert alertmanager == {"static_configs": [{"targets": [f"alertmanager:{inside}"]}]}
    assert f"--web.external-url=http://{address}:{outside}" in SERVICES["alertmanager"]["command"]
    assert SERVICES["alertmanager"]["networks"] == SERVICES["prometheus"]["networks"]


def test_alertmanager_finds_its_file_where_it_is_mounted() -> None:
    """Read-only; what it must remember is on a volume; it looks for no others of its kind."""
    flags = dict(flag.removeprefix("--").split("=", 1) for flag in SERVICES["alertmanager"]["command"])
    mounts = dict(mount.split(":")[:2] for mount in SERVICES["alertmanager"]["volumes"])
    inside = Path(flags["config.file"])
    assert mounts["./deploy/alertmanager"] == str(inside.parent)
    assert (ROOT / "deploy" / "alertmanager" / inside.name).exists()
    assert mounts["alertmanager-data"] == flags["storage.path"]
    assert flags["cluster.listen-address"] == ""


def test_grafana_asks_the_prometheus_that_is_there() -> None:
    """The datasource names a service and its port."""
    file = ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml"
    source = yaml.safe_load(file.read_text(encoding="utf-8"))["datasources"][0]
    ((_, _, port),) = _published(SERVICES["prometheus"])
    assert source["url"] == f"http://prometheus:{port}"
    home = Path(SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (ROOT / "deploy/grafana/dashboards" / home.name).exists()


def test_there_is_no_secret() -> None:
    """No password, token or key, and no file of them."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert not re.search(r"(?im)^\s*[\w-]*(password|secret|token|api_?key)[\w-]*\s*[:=]", text)
    assert not any("env_file" in service for service in SERVICES.values())


def test_the_image_is_built_from_what_is_there_and_let_in() -> None:
    """Each COPY names something that exists and that .dockerignore does not keep out."""
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for words in (shlex.split(line) for line in DOCKERFILE.splitlines() if line.startswith("COPY ")):
        if not words[1].startswith("--from"):
            assert set(words[1:-1]) <= let_in
    assert all((ROOT / path).exists() for path in let_in)
    assert "*" in (ROOT / ".dockerignore").read_text().splitlines()


def test_the_image_installs_only_what_is_locked() -> None:
    """Every pip install has hashes, or no index to fetch from."""
    installs = re.findall(r"pip install ([^&\n]*)", DOCKERFILE)
    assert len(installs) == 3
    for arguments in installs:
        assert "--require-hashes" in arguments or {"--no-index", "--no-deps"} <= set(arguments.split())
    assert "--no-build-isolation" in DOCKERFILE


def test_the_image_runs_our_command_and_is_not_root() -> None:
    """`docker run needtoknow:0.1.0 --help` is `needtoknow --help`, as user 10001."""
    last = DOCKERFILE.rsplit("\nFROM ", 1)[1]
    assert 'ENTRYPOINT ["needtoknow"]' in last
    assert "needtoknow" in PROJECT["scripts"]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    environment = dict(re.findall(r"(NTK_\w+)=(\S+)", last))
    assert environment.keys() <= FIELDS
    assert f"EXPOSE {environment['NTK_ADMIN_PORT']}" in last
    assert all(re.search(r":\d+\.\d+", image) for image in re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))
