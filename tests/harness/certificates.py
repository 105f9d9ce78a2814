"""Certificates for a broker on loopback: an authority of this test alone, made by the real openssl."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

from deploy.local.ports import HOST
from tests.harness.parts import require_part

KEY: Final = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def make_certificates(directory: Path) -> Path:
    """Writes `ca.pem` and `broker.pem` (key and certificate) into the directory; returns the former."""
    require_part("openssl", shutil.which("openssl"), "apt-get install openssl")
    directory.mkdir(parents=True, exist_ok=True)
    ca, ca_key = directory / "ca.pem", directory / "ca.key"
    key, request, signed = (directory / f"broker.{ending}" for ending in ("key", "csr", "crt"))
    names = directory / "names"
    names.write_text(f"subjectAltName=IP:{HOST}\n")
    _openssl("req", "-x509", *KEY, "-keyout", ca_key, "-out", ca, "-days", 2, "-subj", "/CN=authority")
    _openssl("req", *KEY, "-keyout", key, "-out", request, "-subj", "/CN=broker")
    by_us = ("-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-days", 2, "-extfile", names)
    _openssl("x509", "-req", "-in", request, "-out", signed, *by_us)
    (directory / "broker.pem").write_text(key.read_text() + signed.read_text())
    return ca


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)
