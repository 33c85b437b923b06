"""The little of Kafka's protocol that `broker.py` speaks, on 127.0.0.1."""

import socket
import struct
from collections.abc import Sequence

HOST = "127.0.0.1"
API_VERSIONS, CREATE_TOPICS = 18, 19  # the keys of the requests


def ask(port: int, key: int, version: int, body: bytes) -> bytes:
    """The body of the answer to one request of Kafka's protocol; raises OSError."""
    request = struct.pack(">hhih", key, version, 1, -1) + body
    with socket.create_connection((HOST, port), timeout=30) as s:
        s.sendall(struct.pack(">i", len(request)) + request)
        (length,) = struct.unpack(">i", s.recv(4, socket.MSG_WAITALL) or b"\0\0\0\0")
        return s.recv(length, socket.MSG_WAITALL)[4:]  # without the correlation id


def answers(port: int) -> bool:
    """Does a Kafka node answer an ApiVersions request on *port*?"""
    try:
        return ask(port, API_VERSIONS, 0, b"")[:2] == b"\0\0"
    except (OSError, struct.error):
        return False


def create_topics(port: int, names: Sequence[str], partitions: int) -> dict[str, str]:
    """What went wrong for each of *names*, empty for those created; raises OSError."""
    body = struct.pack(">i", len(names))
    for name in names:
        text = name.encode()
        body += struct.pack(f">h{len(text)}s", len(text), text)
        body += struct.pack(">ihii", partitions, 1, 0, 0)  # one replica, no options
    answer = ask(port, CREATE_TOPICS, 2, body + struct.pack(">ib", 30_000, 0))
    problems, place = {}, 8
    for _ in names:
        name, place = read_string(answer, place)
        (code,) = struct.unpack_from(">h", answer, place)
        reason, place = read_string(answer, place + 2)
        problems[name] = reason or (f"error {code}" if code else "")
    return problems


def read_string(data: bytes, place: int) -> tuple[str, int]:
    """A string of the protocol, which may be null, and the place after it."""
    (length,) = struct.unpack_from(">h", data, place)
    end = place + 2 + max(length, 0)
    return data[place + 2 : end].decode(), end
