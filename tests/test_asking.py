"""Questions to a model that learns: the right answers, and what is refused."""

import json
import threading
import time
import urllib.error
import urllib.request

import pytest
from endless import Endless

from connectors.memory import MemorySink, MemorySource
from stream_rnn import (
    LSTM,
    Adam,
    RecurrentClassifier,
    RecurrentForecaster,
    RecurrentRegressor,
    TextPredictor,
)
from stream_rnn.checkpoints.store import Store
from stream_rnn.config.schema import Http
from stream_rnn.errors import ConfigError
from stream_rnn.estimators.keyed.estimator import Keyed
from stream_rnn.features.rows import Rows
from stream_rnn.metrics import Metrics
from stream_rnn.service.pipeline import Pipeline
from stream_rnn.service.task import Task
from stream_rnn.web import Site, serve
from stream_rnn.web.answers import Asked as Question
from stream_rnn.web.answers import answer as answer_of
from stream_rnn.web.ready import Readiness
from stream_rnn.web.replica import FRESH_SECONDS
from stream_rnn.web.turn import Turn

SECRET = "0123456789abcdef"
SETTINGS = {"predict": True, "checkpoint": True, "max_records": 3, "max_body_bytes": 2000}


def regressor():
    return RecurrentRegressor(LSTM(4), optimizer=Adam(0.01))


def task(key=None):
    model = regressor() if key is None else Keyed(regressor(), key)
    return Task(model, Rows("y", lags={"y": [1]}, key=key))


class Asked:
    """A server in front of one pipeline, and what it answers."""

    def __init__(self, tmp_path, make=task, **more):
        secret = tmp_path / "token"
        secret.write_text(SECRET + "\n")
        http = Http(**{**SETTINGS, **more}, token_file=str(secret))
        self.task = make()
        self.site = Site(Metrics(), http, make=make)
        self.server = serve(self.site, port=0)

    def line(self, source, store=None):
        return Pipeline(source, self.task, MemorySink(), store=store, observers=self.site.observers)

    def post(self, body, path="predict", token=SECRET, **headers):
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        headers["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(self.server.root + path, data, headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                body = response.read()
                return response.status, json.loads(body) if path == "predict" else body
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


@pytest.fixture
def asked(tmp_path):
    made = []

    def make(*args, **kwargs):
        made.append(Asked(tmp_path, *args, **kwargs))
        return made[-1]

    yield make
    for one in made:
        one.server.close()


RECORDS = [{"u": float(t % 5), "y": float(t % 7)} for t in range(60)]


def test_the_answer_is_what_the_model_would_predict_next(asked):
    one = asked()
    one.line(MemorySource(RECORDS)).run()
    [x], _ = one.task.rows.transform([{"u": 2.0, "y": None}])
    expected = one.task.estimator.predict_one(x)
    assert one.post({"record": {"u": 2.0}}) == (200, {"learned": 60, "prediction": expected})
    several = one.post({"records": [{"u": 2.0}, {"u": 3.0}]})[1]["answers"]
    assert several[0]["prediction"] == expected != several[1]["prediction"]
    assert one.task.snapshot()[0]["rows"] == {"y": [float(59 % 7)]}, "nothing was learned"


def test_of_a_key_and_of_classes(asked):
    one = asked(lambda: task("k"))
    one.line(MemorySource([{**r, "k": "ab"[t % 2]} for t, r in enumerate(RECORDS)])).run()
    [x], _ = one.task.rows.transform([{"u": 2.0, "y": None, "k": "a"}])
    expected = one.task.estimator.predict_one(x)
    assert one.post({"record": {"u": 2.0, "k": "a"}})[1]["prediction"] == expected
    status, answer = one.post({"record": {"u": 2.0}})
    assert (status, answer["error"]["field"]) == (422, "record")
    assert "'k'" in answer["error"]["message"]

    forecaster = Task(Keyed(RecurrentForecaster(), "k", "nothing"), Rows("y", key="k"))
    found = answer_of(forecaster, {"k": "a"}, Question(horizon=2))
    assert found == {"forecast": [0.0, 0.0], "lower": [None, None], "upper": [None, None]}
    lines = Task(Keyed(TextPredictor(preset="contexts"), "k", "nothing"), Rows(None, key="k"))
    assert answer_of(lines, {"k": "a"}, Question()) == {"next": []}

    two = asked(lambda: Task(RecurrentClassifier(LSTM(4), optimizer=Adam(0.01)), Rows("y")))
    two.line(MemorySource([{"u": t % 2, "y": "ab"[t % 2]} for t in range(60)])).run()
    _, answer = two.post({"record": {"u": 1}})
    assert answer["prediction"] == "b"
    assert sum(answer["probabilities"].values()) == pytest.approx(1)


def test_while_it_learns_answers_come_from_a_recent_state(asked):
    one, stop = asked(), threading.Event()
    source = Endless(2000)
    line = one.line(source)
    one.task.rows.target, one.task.rows.targets = "load", ["load"]
    thread = threading.Thread(target=line.run, args=(stop,))
    thread.start()
    try:
        deadline, upto = time.monotonic() + 60, [0]
        while upto[-1] < 2000 and time.monotonic() < deadline:
            status, answer = one.post({"record": {"hour": 3}})
            if status == 200:
                upto.append(answer["learned"])
                behind = one.task.guard.version, line.counters["consumed"]
                assert behind[1] - upto[-1] < 4000
            time.sleep(0.02)
    finally:
        stop.set()
        thread.join()
    assert upto == sorted(upto)
    assert len(set(upto)) > 5
    time.sleep(FRESH_SECONDS)
    one.post({"record": {"hour": 3}})  # asks for the last state
    assert one.post({"record": {"hour": 3}})[1]["learned"] == line.counters["consumed"]


@pytest.mark.parametrize(
    ("body", "status", "field", "message"),
    [
        (b"{", 400, None, "not JSON"),
        (b"\xff", 400, None, "not JSON"),
        (b"[]", 400, None, "Expected object"),
        ({}, 400, "record", "give one of"),
        ({"record": {}, "records": []}, 400, "record", "give one of"),
        ({"record": 1}, 400, "record", "Expected object"),
        ({"records": [{}, 1]}, 400, "records[1]", "Expected object"),
        ({"records": [{}] * 4}, 413, "records", "http.max_records = 3"),
        ({"record": {}, "horizon": 0}, 400, "horizon", ">= 1"),
        ({"record": {}, "level": "x"}, 400, "level", "Expected float"),
        ({"record": {}, "horizn": 1}, 400, None, "unknown field horizn"),
        ({"record": {}, "partition": "t-9"}, 400, "partition", "leave partition out"),
        ({"record": {"u": "x"}}, 422, "record", "u"),
        ({"record": {"u": "x" * 3000}}, 413, None, "http.max_body_bytes = 2000"),
    ],
)
def test_what_is_wrong_is_said(asked, body, status, field, message):
    one = asked()
    one.line(MemorySource(RECORDS[:5])).run()
    got, answer = one.post(body)
    assert got == status
    assert answer["error"].get("field") == field
    assert message in answer["error"]["message"]


def test_only_for_those_with_the_token_and_not_too_often(asked, tmp_path):
    one = asked(max_requests=5)
    assert one.post({"record": {}}, token="wrong")[0] == 401
    assert one.post({"record": {}})[0] == 503  # nothing is learned yet
    statuses = [one.post({"record": {}}, token="wrong")[0] for _ in range(10)]
    assert 429 in statuses, "guessing is slowed down, too"
    for content, message in ((None, "No such file"), ("short", "5 characters")):
        file = tmp_path / "other"
        if content is not None:
            file.write_text(content)
        with pytest.raises(ConfigError, match=f"http.token_file = .*{message}"):
            serve(Site(Metrics(), Http(predict=True, token_file=str(file))), port=0)
    with pytest.raises(ConfigError, match=r"need http\.token_file"):
        serve(Site(Metrics(), Http(predict=True)), port=0)


def test_off_unless_switched_on():
    server = serve(Site(Metrics()), port=0)
    try:
        for path in ("predict", "checkpoint"):
            request = urllib.request.Request(server.root + path, b"{}")
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(request, timeout=5)
    finally:
        server.close()


def test_the_newest_checkpoint(asked, tmp_path):
    one, store = asked(), Store(tmp_path / "checkpoints")
    line = one.line(MemorySource(RECORDS), store)
    line.run()
    line.close()
    status, body = one.post(None, "checkpoint")
    assert status == 200
    assert body == (tmp_path / "checkpoints" / store.list()[-1]).read_bytes()
    assert one.post(None, "checkpoint", token="wrong")[0] == 401


def test_what_is_asked_during_a_batch_is_answered_after_it():
    turn = Turn("l", Readiness())
    order = []
    turn.__enter__()
    futures = [turn.ask(lambda n=n: order.append(n)) for n in range(3)]
    failing = turn.ask(lambda: 1 / 0)
    assert order == []
    turn.__exit__()
    assert [future.done() for future in futures] == [True] * 3
    assert order == [0, 1, 2]
    assert isinstance(failing.exception(), ZeroDivisionError)
