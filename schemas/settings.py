"""Settings: environment `NTK_*`, or one TOML file named by `NTK_SETTINGS_FILE`; the environment wins."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from .registry import Sources, read_registry
from .security import Mechanism, Protocol, Security
from .topics import Topics

Url = Annotated[
    str,
    BeforeValidator(lambda given: given.removesuffix("/") if isinstance(given, str) else given),  # as browsers show it
    Field(pattern=r"^https?://[^\s/]+\z"),
]
Seconds = Annotated[float, Field(gt=0, le=10 * 365 * 86_400)]


class Settings(BaseSettings):
    """Every setting with its unit, bound, default and the reason for the default."""

    model_config = SettingsConfigDict(env_prefix="NTK_", extra="forbid", frozen=True, hide_input_in_errors=True)

    broker: str = "127.0.0.1:9092"
    """Kafka bootstrap address(es), host:port separated by commas. Loopback: nothing leaves the machine unasked."""

    kafka_security: Protocol = "PLAINTEXT"
    """How to talk to Kafka: in the open, by TLS, or by TLS with a user and password. PLAINTEXT: for a Kafka on this
    machine, which is what NTK_BROKER's default is; one that others can reach must have SASL_SSL."""

    kafka_mechanism: Mechanism = "SCRAM-SHA-512"
    """How the password is proven. 512: what deploy/kafka makes users with."""

    kafka_username: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,120}\z")] = ""
    """The principal that this process is to Kafka, 120 characters at the most; deploy/kafka has one for each. Empty:
    none, so SASL_SSL is refused."""

    kafka_password: SecretStr = SecretStr("")
    """Its password. Empty: what NTK_KAFKA_PASSWORD_FILE holds, which is better: others can see an environment."""

    kafka_password_file: Path | None = None
    """A file with that password and nothing else, read at each connection. None: NTK_KAFKA_PASSWORD has it."""

    kafka_ca_file: Path | None = None
    """The certificates (PEM) one of which must have signed the broker's. None: those that this machine trusts."""

    kafka_certificate_file: Path | None = None
    """Our own certificate (PEM), for a broker that asks for one. None: a password is enough."""

    kafka_key_file: Path | None = None
    """Its private key (PEM, without a passphrase). None: it is in NTK_KAFKA_CERTIFICATE_FILE, too."""

    topic_prefix: Annotated[str, Field(pattern=r"^[a-z0-9.-]{0,40}\z")] = ""
    """Put before every topic name, so that installations can share a broker. Empty: design section 3's names."""

    group: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,100}\z")] = "needtoknow"
    """Consumer group of the workers. One installation, one group."""

    data_dir: Path = Path(".ntk")
    """Where a worker keeps its caches; deleting them changes nothing but time. A console keeps its store there, too,
    unless NTK_STORE_URL says otherwise."""

    admin_host: str = "127.0.0.1"
    """Where /live, /ready and /metrics listen. Loopback; a container sets 0.0.0.0."""

    admin_port: Annotated[int, Field(ge=0, le=65_535)] = 6066
    """TCP port of the same; 0 picks a free one and logs it. 6066: where users of Faust look first."""

    policy_file: Path | None = None
    """A policy document (TOML) in place of the built-in one."""

    sources_file: Path | None = None
    """The registry (TOML): systems beside our own that send canonical JSON, the same on every process. None: no others,
    as an installation begins."""

    decide_without_feed_after_seconds: Seconds = 86_400
    """How long a gating feed may stand still before accesses are judged without it (findings say `incomplete`). A day:
    an HR system down over a weekend night must not flood; a feed forgotten for good must not hide a snooper."""

    broker_wait_seconds: Seconds = 60
    """How long a command waits for the broker before it exits with code 3. A minute covers a rolling restart."""

    session_timeout_seconds: Annotated[float, Field(ge=1, le=300)] = 8
    """After this long without a heartbeat a worker's partitions go to the others. 8 s: measured 13.6 s to the next
    finding with 10 s, and the promise is 15."""

    stuck_after_seconds: Annotated[float, Field(ge=1, le=3600)] = 60
    """After this long with work in hand, the broker there, and nothing done, `/live` says no and the worker is to be
    started again. 60 s: a batch takes 0.05, and a worker that is only slow must not be killed for it."""

    commit_interval_seconds: Annotated[float, Field(ge=0.05, le=60)] = 1
    """Pause between commits. 1 s: at most a second of repeats after a crash."""

    batch_messages: Annotated[int, Field(ge=1, le=50_000)] = 5_000
    """Most messages of one partition judged at one position. 5,000: about 50 ms of work, the latency others wait."""

    queued_batches: Annotated[int, Field(ge=1, le=100)] = 4
    """Batches a partition may have under way before it is paused. 4 keep the pipeline full at 2 ms a store."""

    unpacked_max_bytes: Annotated[int, Field(ge=1_048_576, le=1_073_741_824)] = 64 * 1_048_576
    """Bytes to which one compressed record batch may unpack, and which one fetch may hand out unpacked; what is more is
    set aside unread. 64 MiB: producers fill 1 MiB before they compress, 20 with the best guess of what it will give."""

    pending_max: Annotated[int, Field(ge=100, le=10_000_000)] = 1_000_000
    """Open accesses (waiting for feeds, or not yet final) a worker holds before it pauses its access partitions.
    A million: two weeks of a department, about 1.5 GB."""

    index_days: Annotated[int, Field(ge=1, le=800)] = 90
    """Days (by append time) of accesses that a worker keeps to judge again when facts change. 90: a quarter's
    corrections; a department's 72,000 a day take 210 MB at 32 bytes each."""

    index_max: Annotated[int, Field(ge=1_000, le=1_000_000_000)] = 20_000_000
    """Most accesses kept for that, whatever their age; the oldest are let go of first. 20 million: 640 MB."""

    snapshot_seconds: Seconds = 600
    """Pause between snapshots of what a worker knows. 600: a start reads ten minutes again in a second or two, and
    writing what a department needs (0.4 GB) takes that long."""

    store_url: str = ""
    """Where alerts are kept: `sqlite:///FILE`, or `postgresql+psycopg://USER:PASSWORD@HOST/NAME` (extra `postgres`) for
    several consoles. Empty: `alerts.db` in NTK_DATA_DIR, which then holds what must not be lost."""

    console_host: str = "127.0.0.1"
    """Where the console listens. Loopback: its demo users have no password; behind a proxy with HTTPS another."""

    console_port: Annotated[int, Field(ge=0, le=65_535)] = 6067
    """TCP port of the same; 0 picks a free one and logs it. 6067: beside the workers' 6066."""

    console_demo_users: Annotated[str, Field(max_length=2_000)] = ""
    """Who may sign in without a password, for trying out: `login:role,...`; only on loopback. Empty: nobody."""

    console_url: Url = "http://127.0.0.1:6067"
    """Where commands about alerts find the console. The default: one on this machine."""

    token: SecretStr = SecretStr("")
    """The session's token for commands about alerts. Empty: what `alerts sign-in` kept in NTK_DATA_DIR."""

    console_https: bool = False
    """Whether browsers reach the console by HTTPS, through a proxy before it: its cookie then goes no other way."""

    console_metrics_token: SecretStr = SecretStr("")
    """What Prometheus sends as `Authorization: Bearer` for the console's /metrics, whose counts are over all alerts,
    also those that are kept from whoever asks. Empty: nobody gets them, but where demo users may be anybody anyway."""

    watch_port: Annotated[int, Field(ge=0, le=65_535)] = 6069
    """TCP port on NTK_ADMIN_HOST of what watches the sources; 0 picks a free one and logs it."""

    watch_url: Url = "http://127.0.0.1:6069"
    """Where `status` and the console ask what watches the sources. The default: one on this machine.
    Where it is set, `status` is not well without an answer."""

    missing_after_seconds: Annotated[float, Field(ge=0.1, le=86_400)] = 30
    """So long after a higher number was judged one that has not come counts as missing. 30 s: an emitter that is not
    answered tries again within that time, and a missing message is to be noticed within a minute."""

    receive_host: str = "127.0.0.1"
    """Where `needtoknow receive` listens. Loopback; anything else needs TLS, or NTK_RECEIVE_WITHOUT_TLS said aloud."""

    receive_port: Annotated[int, Field(ge=0, le=65_535)] = 6068
    """TCP port of the same; 0 picks a free one and logs it. 6068: beside the workers' 6066 and the console's 6067."""

    receive_keys_file: Path | None = None
    """TOML: which keys (as hashes) and certificates speak for which source; read again when it changes, and on SIGHUP.
    None: nobody may send, and `receive` does not start."""

    receive_tls_cert: Path | None = None
    """The certificate, with its chain (PEM), that `receive` shows; with the next setting it speaks TLS only."""

    receive_tls_key: Path | None = None
    """The private key of the same (PEM)."""

    receive_tls_client_ca: Path | None = None
    """Who signs the certificates of systems that come with one (PEM). None: systems come with keys only."""

    receive_without_tls: bool = False
    """Says that a proxy before it speaks TLS: only then does it listen elsewhere than on loopback without TLS."""

    receive_in_flight: Annotated[int, Field(ge=1, le=10_000)] = 64
    """Requests being read or stored at once, a quarter of it of one source; more are told to come again. 64: each holds
    up to 1 MiB, and the values made of it ten times that."""

    receive_rate: Annotated[float, Field(ge=1, le=1_000_000)] = 2_000
    """Messages a second that one source may send in the long run, ten seconds' worth at once. 2,000: a department has
    one a second; a system that sends a night's file must not shut out the others."""

    receive_store_seconds: Annotated[float, Field(ge=0.1, le=60)] = 8
    """How long the broker may take to store a request before the answer is 503. 8: a broker that goes and another that
    takes over need a few; whoever sent it sends it again."""

    signing_key_file: Path | None = None
    """The private key (PEM, Ed25519) by which `send` signs what it sends. None: it signs nothing, as most sources."""

    signing_key_id: Annotated[str, Field(pattern=r"^[\x21-\x7E]{0,100}\z")] = ""
    """What the registry calls that key, up to 100 characters. Empty: there is none."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Of our own loggers. Those of Faust and aiokafka stay at WARNING: at DEBUG they cost 10 to 15 % of all CPU."""

    @model_validator(mode="after")
    def _is_one_way_to_talk(self) -> Self:
        """What would be passed over in silence is refused: somebody believes that it protects them."""
        proof = (self.kafka_username, self.kafka_password.get_secret_value(), self.kafka_password_file)
        files = (self.kafka_ca_file, self.kafka_certificate_file, self.kafka_key_file)
        if any(proof) and self.kafka_security != "SASL_SSL":
            raise ValueError("NTK_KAFKA_USERNAME and its password need NTK_KAFKA_SECURITY=SASL_SSL")
        if any(files) and self.kafka_security == "PLAINTEXT":
            raise ValueError("certificates need NTK_KAFKA_SECURITY=SASL_SSL, or SSL")
        if self.kafka_security == "SASL_SSL" and not (proof[0] and bool(proof[1]) != bool(proof[2])):
            raise ValueError("SASL_SSL needs NTK_KAFKA_USERNAME, and NTK_KAFKA_PASSWORD or NTK_KAFKA_PASSWORD_FILE")
        if self.kafka_key_file and not self.kafka_certificate_file:
            raise ValueError("NTK_KAFKA_KEY_FILE needs NTK_KAFKA_CERTIFICATE_FILE")
        if bool(self.signing_key_file) != bool(self.signing_key_id):
            raise ValueError("NTK_SIGNING_KEY_FILE and NTK_SIGNING_KEY_ID go together")
        return self

    @property
    def security(self) -> Security:
        """Who this process is to Kafka."""
        return Security(
            protocol=self.kafka_security,
            mechanism=self.kafka_mechanism,
            username=self.kafka_username,
            password=self.kafka_password,
            password_file=self.kafka_password_file,
            ca_file=self.kafka_ca_file,
            certificate_file=self.kafka_certificate_file,
            key_file=self.kafka_key_file,
        )

    @property
    def topics(self) -> Topics:
        """The names of all topics."""
        return Topics(self.topic_prefix, self.sources)

    @cached_property
    def sources(self) -> Sources:
        """All sources, read once: an edited registry counts from the next start on. Raises RejectedInputError."""
        return read_registry(self.sources_file)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win over the environment, the environment over the file."""
        sources: tuple[PydanticBaseSettingsSource, ...] = (init_settings, env_settings)
        if path := os.environ.get("NTK_SETTINGS_FILE"):
            sources += (TomlConfigSettingsSource(settings_cls, toml_file=path),)
        return sources
