"""Asks a Kafka broker, in its own protocol, whether it can serve consumer groups yet.

A listening port is not enough: the first group to come finds "coordinator not available" for about a second. Two
questions of a few bytes need neither an event loop nor a client, which would log each refusal while the broker starts.
"""

import socket
import struct

_FIND_COORDINATOR, _HEARTBEAT = 10, 12
# While a coordinator is loading, not available, or held elsewhere; every other answer comes from one that works.
_NOT_YET = {14, 15, 16}
_CLIENT = b"needtoknow-probe"
_GROUP = b"needtoknow-probe"
_ANSWER_SECONDS = 5.0  # on loopback; a broker that takes longer is not ready


def serves_groups(port: int) -> bool:
    """Tells whether the broker on this port of 127.0.0.1 serves groups; the first call makes it prepare for that."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_ANSWER_SECONDS) as connection:
            if _error_code(connection, _FIND_COORDINATOR, _text(_GROUP)) != 0:
                return False
            # A heartbeat of a member that does not exist: "unknown member" is said only by a loaded coordinator.
            nobody = _text(_GROUP) + struct.pack(">i", 0) + _text(b"nobody")
            return _error_code(connection, _HEARTBEAT, nobody) not in _NOT_YET
    except OSError:
        return False


def _error_code(connection: socket.socket, api: int, body: bytes) -> int:
    """Sends one request of version 0 and returns the error code, with which both answers begin."""
    request = struct.pack(">hhi", api, 0, 0) + _text(_CLIENT) + body
    connection.sendall(struct.pack(">i", len(request)) + request)
    (length,) = struct.unpack(">i", _exactly(connection, 4))
    _correlation, error_code = struct.unpack_from(">ih", _exactly(connection, length))
    return int(error_code)


def _exactly(connection: socket.socket, count: int) -> bytes:
    received = bytearray()
    while len(received) < count:
        chunk = connection.recv(count - len(received))
        if not chunk:
            raise ConnectionError("the broker hung up")
        received += chunk
    return bytes(received)


def _text(value: bytes) -> bytes:
    return struct.pack(">h", len(value)) + value
