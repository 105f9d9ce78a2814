"""Free ports of this machine, on loopback only."""

import random
import socket
from typing import Final

HOST: Final = "127.0.0.1"
# Below the range from which Linux and macOS take the local end of a connection: a client that keeps calling a stopped
# server cannot be given the server's own port, talk to itself, and keep the restarted server from binding it.
PORTS: Final = range(20_000, 32_000)


class PortError(RuntimeError):
    """No port could be had; something is wrong with this machine."""


def free_port() -> int:
    """Picks a port nobody listens on. Another program may still take it first; who wanted it then says so and dies."""
    for port in random.sample(PORTS, 100):
        if is_free(port):
            return port
    raise PortError(f"no free port among 100 tried between {PORTS.start} and {PORTS.stop} on {HOST}")


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as attempt:
        # As servers do: connections of the last one that are still closing do not count.
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((HOST, port))
        except OSError:
            return False
    return True
