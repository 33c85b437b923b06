"""What slow, silent and hostile clients can do to a service: nothing."""

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from average import Linear
from test_web import certificate  # noqa: F401  a fixture

from connectors.memory import MemorySink, MemorySource
from stream_rnn.features.rows import Rows
from stream_rnn.metrics import Metrics
from stream_rnn.service.pipeline import Pipeline
from stream_rnn.service.task import Task
from stream_rnn.web import Site, patience, serve, server

HOSTILE = Path(__file__).with_name("hostile.py")


def descriptors():
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def impatient(monkeypatch):
    """Deadlines of a second."""
    monkeypatch.setattr(patience, "SECONDS", 1.0)
    monkeypatch.setattr(server, "SECONDS", 1.0)


@contextlib.contextmanager
def hostile(kind, port, count):
    command = [sys.executable, HOSTILE, kind, str(port), str(count)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"there\n"
        yield
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


class Steady(MemorySource):
    """A record whenever one is asked for."""

    finished = False

    def __init__(self):
        super().__init__([{"u": 1.0, "y": 2.0}])

    def next_batch(self, most, timeout):
        return self._records * 50

    def snapshot(self):
        return None


class Nowhere(MemorySink):
    def write(self, rows): ...


@contextlib.contextmanager
def learning():
    """A server and its pipeline at full speed."""
    site = Site(Metrics())
    served, stop = serve(site, port=0), threading.Event()
    line = Pipeline(Steady(), Task(Linear(), Rows("y")), Nowhere(), observers=site.observers)
    thread = threading.Thread(target=line.run, args=(stop,))
    thread.start()
    try:
        yield served, line
    finally:
        stop.set()
        thread.join()
        served.close()


def answers(port, seconds=10.0):
    """Whether a well-behaved client is answered, within so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return True
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
        finally:
            connection.close()
    return False


@pytest.mark.parametrize(("kind", "count"), [("idle", 2000), ("slow", 200), ("deaf", 100)])
def test_many_bad_clients_harm_neither_the_learner_nor_the_others(impatient, kind, count):
    with learning() as (served, line):
        assert answers(served.port)
        before = descriptors()
        with hostile(kind, served.port, count):
            assert descriptors() <= before + server.CONNECTIONS + 5
            consumed = line.ledger.counters["consumed"]
            assert answers(served.port), "they are thrown out in time"
            time.sleep(0.5)
            assert line.ledger.counters["consumed"] > consumed + 500
        assert answers(served.port)
        deadline = time.monotonic() + 5
        while descriptors() > before + 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert descriptors() <= before + 2


def exchange(port, data, seconds=5.0):
    """What comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as client:
        found = b""
        with contextlib.suppress(ConnectionError):
            client.sendall(data)
            while part := client.recv(65536):
                found += part
        return found


def test_requests_that_are_none(impatient):
    with learning() as (served, _):
        huge = b"GET /metrics HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"
        assert exchange(served.port, huge)[:12] in (b"HTTP/1.1 400", b"")
        assert exchange(served.port, b"\x16\x03\x01\x00\xff" * 20)[:12] == b"HTTP/1.1 400"
        twice = b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"
        assert exchange(served.port, twice)[:12] == b"HTTP/1.1 400"
        for shape in (
            b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0",
            b"GET /metrics HTTP/1.1\r\n\r\n",
            b"GET /metrics HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"GET /metrics HTTP/1.1\r\nHost : a\r\n\r\n",
            b"GET /metrics HTTP/1.1\r\nHost: a\r\n b: c\r\n\r\n",
            b"GET /metrics HTTP/1.1\nHost: a\n\n",
            b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET http:// HTTP/1.1\r\nHost: a\r\n\r\n",
            b"\r\n" * 20_000,
        ):
            assert exchange(served.port, shape)[:12] == b"HTTP/1.1 400", shape
        chunks = b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1"
        for rest in (b";x" * 200_000, b"\r\na\r\n0\r\nX: " + b"y" * 200_000):
            assert exchange(served.port, chunks + rest)[9:12] in (b"400", b"404")
        assert exchange(served.port, b"GET /metrics HTTP/1.1\r\nHo") == b"", "closed in time"
        body = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab"
        assert b" 404 " in exchange(served.port, body)[:20]
        assert answers(served.port)


def test_a_tls_peer_that_says_nothing_is_left(impatient, certificate):  # noqa: F811
    cert, key = certificate
    served = serve(Site(Metrics()), port=0, certfile=cert, keyfile=key)
    try:
        start = time.monotonic()
        assert exchange(served.port, b"") == b""
        assert time.monotonic() - start < 4
    finally:
        served.close()
