"""The server in a process of its own: the same answers, and what happens when one of them ends."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from average import Linear
from prometheus_client import generate_latest

from connectors.base import Record
from connectors.memory import MemorySink, MemorySource
from stream_rnn.config.schema import Http
from stream_rnn.errors import BadRecord
from stream_rnn.features.rows import Rows
from stream_rnn.metrics import Metrics
from stream_rnn.service.pipeline import Pipeline
from stream_rnn.service.task import Task
from stream_rnn.web import Site, mirror, wire
from stream_rnn.web.answers import Asked
from stream_rnn.web.apart import Apart
from stream_rnn.web.app import application
from stream_rnn.web.asking import Refused
from stream_rnn.web.listener import listen
from stream_rnn.web.relay import Relay
from stream_rnn.web.replica import FRESH_SECONDS, Copy

SECRET = "0123456789abcdef"
RECORDS = [{"u": float(t % 5), "y": float(t % 7)} for t in range(60)]


class Predicting(Linear):
    """Answers, too."""

    def predict_one(self, x):
        if "x" in x.values():
            raise BadRecord("no number")
        return float(self.w @ [x.get(name, 0.0) for name in self.names])


def task():
    return Task(Predicting(), Rows("y"))


def learned(site, part=None, count=60):
    """A task of the site that has learned so many records."""
    made = task()
    line = Pipeline(MemorySource(RECORDS[:count]), made, MemorySink(), observers=site.observers)
    line.part = part
    line.run()
    return made


@asynccontextmanager
async def both(site):
    """The line between two processes, both of them this one; its far end."""
    ours, theirs = wire.line()
    ours.setblocking(False)
    with ours, theirs, listen("127.0.0.1", 0, 1) as listener:
        apart, gone = Apart(site, application(site), listener, "", b"", bool), asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(ours, apart._read, ours, gone)
        try:
            yield theirs
        finally:
            loop.remove_reader(ours)


def test_a_copy_goes_over_the_line_bit_for_bit():
    arrays = {
        "a": np.array([[1.5, np.nan], [-0.0, 1e-45]], np.float32)[:, ::-1],
        "n": np.array(7),
        "none": np.zeros((0, 3)),
    }
    meta = {"estimator": {"loss": float("nan"), "names": ["ü"]}, "rows": {}}
    sent = mirror.packed(Copy(3, 60, meta, arrays, 0.0))
    body = wire._ENCODER.encode(sent)
    got, back = mirror.unpacked(wire.msgspec.msgpack.decode(body))
    assert json.dumps(got) == json.dumps(meta)
    for name, array in arrays.items():
        assert (back[name].dtype, back[name].shape) == (array.dtype, array.shape)
        assert back[name].tobytes() == array.tobytes()
        assert back[name].flags.writeable


def test_answers_are_those_of_the_learner():
    site = Site(Metrics(), make=task)
    made = learned(site)

    async def ask():
        async with both(site) as end:
            mirrors = mirror.Mirrors(end, task)
            record = {"u": 2.0}
            first = await mirrors.answer(None, [record, {"u": 3.0}], Asked())
            w = made.estimator.w[0]
            assert first == ([{"prediction": 2.0 * w}, {"prediction": 3.0 * w}], 60)
            with pytest.raises(BadRecord):
                await mirrors.answer(None, [{"u": "x"}], Asked())
            made.learn([Record({"u": 1.0, "y": 9.0}, b"", offset=99)])
            after = {"prediction": 2.0 * made.estimator.w[0]}
            start = time.monotonic()
            while (await mirrors.answer(None, [record], Asked()))[0] != [after]:
                await asyncio.sleep(0.001)
            assert time.monotonic() - start < 5
            assert after != first[0][0]

    asyncio.run(ask())


def test_a_learner_that_is_not_here_or_leaves():
    site = Site(Metrics(), make=task)

    async def ask():
        async with both(site) as end:
            mirrors = mirror.Mirrors(end, task)
            with pytest.raises(Refused, match="nothing is being learned yet"):
                await mirrors.answer(None, [{"u": 1.0}], Asked())
            learned(site, "rides-0", 10)
            assert (await mirrors.answer(None, [{"u": 1.0}], Asked()))[1] == 10
            learned(site, "rides-1", 20)
            assert (await mirrors.answer("rides-1", [{"u": 1.0}], Asked()))[1] == 20
            with pytest.raises(Refused, match="this process has rides-0, rides-1; say which"):
                await mirrors.answer("rides-9", [{"u": 1.0}], Asked())
            site.rebalance(0)
            async with asyncio.timeout(5):
                await mirrors._known["rides-1"]._following  # it is told
            with pytest.raises(Refused, match="nothing"):
                await mirrors.answer("rides-1", [{"u": 1.0}], Asked())

    asyncio.run(ask())


def test_copies_are_few_however_fast_it_learns():
    site = Site(Metrics(), make=task)
    made = learned(site)
    copies = []
    replica = site.replicas[""]
    copied = replica._copy
    replica._copy = lambda: copies.append(time.monotonic()) or copied()

    async def ask():
        async with both(site) as end:
            mirrors = mirror.Mirrors(end, task)
            stop = time.monotonic() + 0.5
            while time.monotonic() < stop:
                made.learn([Record({"u": 1.0, "y": 9.0}, b"", offset=99)])
                await mirrors.answer(None, [{"u": 1.0}], Asked())

    asyncio.run(ask())
    assert 1 <= len(copies) <= 11
    assert np.diff(copies).min(initial=1.0) >= 0.9 * FRESH_SECONDS


SCOPE = {
    "type": "http",
    "asgi": {"version": "3.0", "spec_version": "2.3"},
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "path": "/readyz",
    "raw_path": b"/readyz",
    "query_string": b"",
    "root_path": "",
    "headers": [(b"host", b"localhost")],
    "client": ("127.0.0.1", 1),
    "server": ("127.0.0.1", 2),
}


async def through(relay, method, path, body=b"", leave_after=None):
    """The messages that come back; the client leaves after so many."""
    given = {"method": method, "path": path, "raw_path": path.encode(), "state": object()}
    scope = {**SCOPE, **given}
    asked, left, messages = asyncio.Event(), asyncio.Event(), []

    async def receive():
        if not asked.is_set():
            asked.set()
            return {"type": "http.request", "body": body, "more_body": False}
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        messages.append(message)
        if len(messages) == leave_after:
            left.set()

    await relay(scope, receive, send)
    return messages


def test_what_is_passed_on_is_answered_as_if_it_were_not():
    site = Site(Metrics())

    async def ask():
        async with both(site) as end:
            relay = Relay(end)
            start, body = await through(relay, "GET", "/healthz")
            assert (start["status"], json.loads(body["body"])) == (200, {"alive": True})
            assert (await through(relay, "GET", "/nope"))[0]["status"] == 404
            assert (await through(relay, "POST", "/healthz"))[0]["status"] == 405
            async with asyncio.timeout(10):
                events = await through(relay, "GET", "/events", leave_after=3)
            assert [e["type"].rsplit(".")[-1] for e in events[:3]] == ["start", "body", "body"]
            assert events[2]["body"].startswith(b"data: {")

    asyncio.run(ask())


def test_a_client_that_leaves_early_is_no_fault_of_ours(caplog):
    """``curl -f`` goes as soon as it has the status; a probe may, too."""
    site = Site(Metrics())

    async def ask():
        async with both(site) as end:
            for _ in range(20):
                streams = await wire.call(end, {"call": "http", "scope": SCOPE})
                streams[1].transport.abort()
            start, _ = await through(Relay(end), "GET", "/readyz")
            assert start["status"] == 503

    asyncio.run(ask())
    assert caplog.records == []


def test_all_hear_of_a_process_that_cannot_be_kept():
    site = Site(Metrics())
    site.ready.state("running")

    async def keep():
        with listen("127.0.0.1", 0, 1) as listener:
            apart = Apart(site, application(site), listener, "no.such.module", b"{}", bool)
            assert site.ready.reasons() == [], "the thread answers while the first one starts"
            keeping = asyncio.create_task(apart.keep())
            async with asyncio.timeout(20):
                while not site.ready.reasons():
                    await asyncio.sleep(0.01)
            keeping.cancel()
            (reason,) = site.ready.reasons()
            assert reason.startswith("http is down: the process that answers questions ended with")
            assert reason.endswith("starts another one in 1 s")
            told = generate_latest(site.metrics.registry).decode()
            assert 'dependency_up{dependency="http"} 0.0' in told
            apart._show(True)
            assert site.ready.reasons() == []

    asyncio.run(keep())


# -- processes ---------------------------------------------------------------------------

PIPELINE = """
source = {{type = "stdin", format = "jsonl"}}
sink = {{type = "file", path = "{folder}/out.jsonl"}}
features = {{target = "y"}}
checkpoint = {{url = "{folder}/checkpoints"}}
metrics = {{port = 0}}
http = {{predict = true, checkpoint = true, token_file = "{folder}/token"}}
estimator = {{type = "regressor", cell = {{type = "LSTM", units = 4}}}}
"""


class Run:
    """``stream-rnn run`` with records over standard input."""

    def __init__(self, folder):
        Path(folder, "token").write_text(SECRET)
        (toml := Path(folder, "p.toml")).write_text(PIPELINE.format(folder=folder))
        self.log = Path(folder, "log")
        with self.log.open("wb") as log:
            command = [sys.executable, "-m", "stream_rnn", "run", toml]
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=log)
        self.until(lambda: "metrics on" in self.log.read_text())
        text = self.log.read_text().split("metrics on ")[1].split()[0]
        self.root = text.removesuffix("metrics")
        self.send(RECORDS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()

    def send(self, records):
        self.process.stdin.write(b"".join(json.dumps(r).encode() + b"\n" for r in records))
        self.process.stdin.flush()

    def until(self, true, seconds=120):
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def ask(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.root + path, data, {"Authorization": f"Bearer {SECRET}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def predict(self):
        return self.ask("predict", {"record": {"u": 2.0}})

    def children(self):
        pid = self.process.pid
        found = Path(f"/proc/{pid}/task").glob("*/children")
        return [int(n) for path in found for n in path.read_text().split()]

    def front(self):
        """The server's process, once it has taken over."""
        self.until(lambda: self.children() and self.is_taken_over())
        return self.children()[0]

    def is_taken_over(self):
        with suppress(OSError, IndexError):
            return self.connected() == self.children()[0]
        return False

    def connected(self):
        """Which process takes a connection: the one that has its socket."""
        import socket

        host, port = self.root.split("//")[1].rstrip("/").split(":")
        with socket.create_connection((host, int(port))) as client:
            name = client.getsockname()[1]
            time.sleep(0.05)
            inode = inode_of(int(port), name)
            for pid in (self.process.pid, *self.children()):
                for entry in Path(f"/proc/{pid}/fd").iterdir():
                    with suppress(OSError):
                        if os.readlink(entry) == f"socket:[{inode}]":
                            return pid
        return None


def inode_of(port, peer):
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        ends = [int(end.split(":")[1], 16) for end in fields[1:3]]
        if ends == [port, peer]:
            return fields[9]
    return None


@pytest.mark.slow
def test_the_server_dies_and_comes_back_and_ends_with_the_learner(tmp_path):
    with Run(tmp_path) as run:
        dies_and_comes_back(run)


def dies_and_comes_back(run):
    front = run.front()
    run.until(lambda: json.loads(run.predict()[1]).get("learned") == 60)
    before = run.predict()
    assert [run.ask("readyz")[0] for _ in range(20)] == [200] * 20
    assert run.ask("checkpoint")[0] == 200
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(front, number)  # are for the other one
    os.kill(front, signal.SIGKILL)
    for _ in range(5):
        assert run.predict() == before, "the learner's thread answers meanwhile"
    run.until(lambda: b"http is down: the process that answers" in run.ask("readyz")[1], 2)
    assert b'dependency_up{dependency="http"} 0.0' in run.ask("metrics")[1]
    run.until(lambda: run.children() and run.children()[0] != front)
    assert run.front() != front
    run.until(lambda: run.predict() == before)
    assert "ended with status -9" in run.log.read_text()
    run.until(lambda: run.ask("readyz")[0] == 200, 5)
    run.process.send_signal(signal.SIGTERM)
    front = run.children()[0]
    assert run.process.wait(60) == 0, run.log.read_text()
    assert not Path(f"/proc/{front}").exists()
    assert "Traceback" not in run.log.read_text()


@pytest.mark.slow
def test_the_server_does_not_outlive_the_learner(tmp_path):
    with Run(tmp_path) as run:
        front = run.front()
        run.process.kill()
        run.process.wait()
        start = time.monotonic()
        run.until(lambda: not Path(f"/proc/{front}").exists(), 30)
        assert time.monotonic() - start < 5


def test_a_process_of_its_own_needs_questions(monkeypatch):
    """With metrics and page alone there is none: it would cost memory."""
    from stream_rnn.cli import run
    from stream_rnn.config import parse
    from stream_rnn.web import server

    asked = []
    monkeypatch.setattr("stream_rnn.web.serve", lambda *args: asked.append(args[-1]) or Silent())
    text = 'source = {type = "stdin"}\nsink = {type = "stdout"}\nfeatures.target = "y"\n'
    for more in ("", "http.predict = true", 'key = "k"\nhttp.predict = true'):
        run._observers(parse(more + "\n" + text), None)
    assert [one is not None for one in asked] == [False, True, False]
    assert server.LINE is not None


class Silent:
    url = root = "http://nowhere/"


def test_http_is_part_of_what_the_process_is_told():
    from stream_rnn.config import parse
    from stream_rnn.config.schema import Config
    from stream_rnn.web.front import Setup

    config = parse(
        'source = {type = "file", path = "a.csv"}\nsink = {type = "stdout"}\n'
        'features = {target = "y", lags = {y = [1]}}\nhttp = {predict = true}\n'
        "[estimator]\ntype = 'regressor'\ncell = {type = 'LSTM', units = 4}\n"
    )
    setup = {"config": config, "host": "::1", "learns": False, "tls": {}, "level": 20}
    body = wire.msgspec.json.encode(setup)
    back = wire.msgspec.json.decode(body, type=Setup)
    assert back.config == config
    assert isinstance(back.config, Config)
    assert back.config.http == Http(predict=True)
