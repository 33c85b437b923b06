"""Records that arrive by ``POST /learn``: each learned once, in order, also after a crash."""

import json
import threading
import time
import urllib.error
import urllib.request

import pytest

from connectors.memory import MemorySink
from connectors.posted import Full, Misplaced, PostedSource
from stream_rnn import LSTM, Adam, RecurrentRegressor
from stream_rnn.checkpoints.store import Store
from stream_rnn.config import parse
from stream_rnn.config.schema import Http
from stream_rnn.errors import ConfigError
from stream_rnn.features.rows import Rows
from stream_rnn.metrics import Metrics
from stream_rnn.service.pipeline import Pipeline
from stream_rnn.service.task import Task
from stream_rnn.web import Site, serve

SECRET = "0123456789abcdef"
RECORDS = [{"u": float(t % 5), "y": float(t % 7)} for t in range(60)]


class Learner:
    """A pipeline behind a server; ``stop`` drains it."""

    def __init__(self, folder, most=100, sinks=None, **http):
        (folder / "token").write_text(SECRET)
        http = Http(token_file=str(folder / "token"), **http)
        self.site = Site(Metrics(), http, learns=True)
        self.server = serve(self.site, port=0)
        self.sinks, self.stop = sinks or (MemorySink(), MemorySink()), threading.Event()
        self.source = PostedSource(most)
        model = RecurrentRegressor(LSTM(4), optimizer=Adam(0.01))
        self.line = Pipeline(
            *(self.source, Task(model, Rows("y")), self.sinks[0]),
            refused=self.sinks[1],
            store=Store(folder / "checkpoints"),
            observers=self.site.observers,
        )
        self.thread = threading.Thread(target=self.line.run, args=(self.stop,))

    def post(self, body, token=SECRET):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = {"Authorization": f"Bearer {token}"}
        request = urllib.request.Request(self.server.root + "learn", data, head)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def wait(self, count, seconds=60):
        deadline = time.monotonic() + seconds
        while self.line.counters["consumed"] < count and time.monotonic() < deadline:
            time.sleep(0.01)
        assert self.line.counters["consumed"] == count

    def __enter__(self):
        self.thread.start()
        deadline = time.monotonic() + 60
        while self.site.posted is None and time.monotonic() < deadline:
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join(60)
        self.server.close()
        self.line.close()


def test_records_are_learned_in_order_and_numbered(tmp_path):
    with Learner(tmp_path) as learner:
        assert learner.post({"record": RECORDS[0]}) == (202, {"taken": 1, "next": 1})
        assert learner.post({"records": RECORDS[1:50], "at": 1})[1] == {"taken": 49, "next": 50}
        learner.wait(50)
        assert learner.post({"records": ["text", {"u": 1.0}]})[1]["next"] == 52
        learner.wait(52)
        assert learner.line.counters["refused"] == 2
        again = learner.post({"records": RECORDS[40:60], "at": 40})
        assert again[0] == 409
        assert again[1] == {
            "error": {"message": "the next record is 52", "field": "at"},
            "next": 52,
        }
    assert len(learner.sinks[0].rows) == 50
    with Learner(tmp_path, sinks=learner.sinks) as learner:  # goes on at the checkpoint's number
        assert learner.post({"record": RECORDS[0], "at": 0})[1]["next"] == 52
        assert learner.post({"record": RECORDS[0], "at": 52})[0] == 202
        learner.wait(53)


def test_what_is_wrong_is_said(tmp_path):
    with Learner(tmp_path, most=5, max_records=20) as learner:
        assert learner.post({"record": {}}, token="wrong")[0] == 401
        for body in ({}, {"record": {}, "records": []}, {"at": -1, "record": {}}, b"{", {"x": 1}):
            assert learner.post(body)[0] == 400
        assert learner.post({"records": RECORDS[:6]})[0] == 503  # more than may wait
        assert learner.post({"records": RECORDS[:21]})[0] == 413
        with urllib.request.urlopen(learner.server.root + "openapi.json") as answer:
            described = json.load(answer)
        assert "409" in described["paths"]["/learn"]["post"]["responses"]


def test_before_the_learner_is_there_nothing_is_taken(tmp_path):
    learner = Learner(tmp_path)
    status, body = learner.post({"record": RECORDS[0]})
    learner.server.close()
    learner.line.close()
    assert status == 503
    assert body == {"error": {"message": "nothing is being learned yet"}}


def test_the_queue_is_bounded_and_closes():
    source = PostedSource(most=2)
    assert source.offer([b"{}", b"{"]) == 2
    with pytest.raises(Full):
        source.offer([b"{}"])
    assert {name: value for name, _, value in source.metrics()} == {
        "consumer_lag_records": 2,
        "consumer_position_offset": 0,
    }
    good, bad = source.next_batch(5, 0.0)
    assert (good.value, good.offset, bad.offset) == ({}, 0, 1)
    assert bad.error.startswith("not JSON")
    source.restore({"records": 7})
    with pytest.raises(Misplaced) as misplaced:
        source.offer([b"{}"], at=2)
    assert misplaced.value.expected == 7
    source.close()
    with pytest.raises(Full):
        source.offer([b"{}"], at=7)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("", r"needs http\.token_file"),
        ("http.token_file = 't'\nmetrics = {enabled = false}", r"needs metrics\.enabled"),
        (
            "http.token_file = 't'\nlabels = {key = 'id', source = {type = 'file', path = 'l'}}",
            r"post the labels to /learn too",
        ),
    ],
)
def test_what_it_needs(more, words):
    text = "source = {type = 'http'}\nsink = {type = 'stdout'}\nfeatures = {target = 'y'}\n"
    with pytest.raises(ConfigError, match=words):
        parse(text + more)
