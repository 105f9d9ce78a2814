"""The proxy that stands for a network between workers and broker: it passes, cuts, stalls and slows."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from deploy.local.ports import HOST
from tests.faults.harness import until
from tests.harness.proxy import Proxy

PATIENCE = 30.0  # seconds; everything here takes milliseconds
QUIET = 0.3  # seconds in which nothing must come


class Echo(socketserver.BaseRequestHandler):
    """Says what it hears."""

    def handle(self) -> None:
        """Until the other end closes."""
        while heard := self.request.recv(1024):
            self.request.sendall(heard)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """Before a server that repeats everything."""
    with socketserver.ThreadingTCPServer((HOST, 0), Echo) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with Proxy(server.server_address[1]) as made:
            yield made
        server.shutdown()


def connect(proxy: Proxy) -> socket.socket:
    """A client that has been heard once."""
    client = socket.create_connection((HOST, proxy.port), timeout=PATIENCE)
    client.sendall(b"first")
    assert client.recv(1024) == b"first"
    return client


def is_refused(proxy: Proxy) -> bool:
    """Whether a new connection is reset before a word is said."""
    try:
        with socket.create_connection((HOST, proxy.port), timeout=PATIENCE) as client:
            return client.recv(1) == b""
    except ConnectionError:
        return True


def test_a_cut_resets_every_connection_and_refuses_new_ones(proxy: Proxy) -> None:
    """Until it is mended; and it counts both."""
    with connect(proxy) as client:
        proxy.cut()
        with pytest.raises(ConnectionError):
            client.recv(1024)
    assert is_refused(proxy)
    until(lambda: proxy.refused == 1, "a refusal is not counted", PATIENCE)
    assert proxy.cut_off == 1
    proxy.mend()
    connect(proxy).close()


def test_what_is_sent_into_a_stall_arrives_after_it(proxy: Proxy) -> None:
    """The connection stays, and nothing passes, in either direction."""
    with connect(proxy) as client:
        passed = proxy.passed
        proxy.stall()
        client.sendall(b"late")
        client.settimeout(QUIET)
        with pytest.raises(TimeoutError):
            client.recv(1024)
        assert proxy.passed == passed
        proxy.mend()
        client.settimeout(PATIENCE)
        assert client.recv(1024) == b"late"


def test_a_slow_line_takes_its_time_each_way(proxy: Proxy) -> None:
    """Two delays for a question and its answer."""
    with connect(proxy) as client:
        proxy.slow(QUIET)
        began = time.monotonic()
        client.sendall(b"slow")
        assert client.recv(1024) == b"slow"
        assert time.monotonic() - began >= 2 * QUIET
