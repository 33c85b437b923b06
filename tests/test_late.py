"""Labels that come later: what is learned is what would have been learned in time."""

import json

import numpy as np
import pytest
from average import Linear
from hypothesis import example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from connectors.base import TOMBSTONE, Label, Record
from connectors.labelled import LabelledSource
from connectors.memory import MemorySink, MemorySource
from stream_rnn import LSTM, SGD, RecurrentClassifier, RecurrentRegressor, SnAp1
from stream_rnn.assembly.parts import estimator
from stream_rnn.assembly.service import pipeline, service
from stream_rnn.checkpoints.store import Store
from stream_rnn.cli.app import app
from stream_rnn.config import load, parse
from stream_rnn.errors import ConfigError
from stream_rnn.estimators.delayed import Delayed
from stream_rnn.evaluation.evaluate import evaluate
from stream_rnn.features.rows import Rows
from stream_rnn.metrics import Metrics
from stream_rnn.service.late.buffer import LabelBuffer
from stream_rnn.service.late.join import Join
from stream_rnn.service.late.task import LateTask
from stream_rnn.service.ledger import Schedule
from stream_rnn.service.pipeline import Pipeline
from stream_rnn.service.task import Task


class Follows(Linear):
    """The linear estimator, able to follow another one."""

    def follow(self, other):
        self.restore(other.snapshot())

    def check_target(self, y):
        self.stream([{}], [y]) if not isinstance(y, int | float) else None


def late(model=Follows, within=None, most=1000, alone=True, target="y", **options):
    rows = Rows(target, exclude=["id", "t"], missing_target="advance")
    time = None if within is None else "t"
    join = Join("id", within, time, most)
    return LateTask(Delayed(model(), model()), rows, join, alone, **options)


def as_records(values, partition="p"):
    return [
        v if isinstance(v, Record) else Record(v, json.dumps(v).encode(), None, partition, n)
        for n, v in enumerate(values)
    ]


def network(kind=RecurrentRegressor, **options):
    return kind(LSTM(3), SnAp1(), SGD(0.05), seed=3, **options)


def state(estimator):
    arrays, meta = estimator.snapshot()
    return {name: a.tobytes() for name, a in arrays.items()}, meta


# -- the buffer, against one that remembers everything -----------------------------------


def naive(events, within, most):
    """(ids in the order they are handed out with their labels), all events kept for good."""
    records, early, out, clock = [], {}, [], -np.inf
    for kind, id, time in events:
        clock = max(clock, time)
        while early and clock > next(iter(early.values()))[1] + within:
            early.pop(next(iter(early)))  # one that is too old behind another takes its place
        if id in early and clock > early[id][1] + within:
            early.pop(id)
        waiting = [r for r in records if r["out"] is None]
        if kind == "record":
            while (
                len(waiting) >= most
                or (waiting and "y" in waiting[0])
                or (waiting and clock > waiting[0]["t"] + within)
            ):
                waiting[0]["out"] = True
                out.append((waiting[0]["id"], waiting.pop(0).get("y")))
            record = {"id": id, "t": time, "out": None}
            if any(r["id"] == id and not r.get("again") for r in waiting):
                record |= {"y": None, "again": True}
            elif id in early:
                y, t = early.pop(id)
                if t <= time + within:
                    record["y"] = y
            records.append(record)
        else:
            y = len(out) + 100.0
            found = [r for r in waiting if r["id"] == id and not r.get("again")]
            if found and "y" not in found[0]:
                if time <= found[0]["t"] + within:
                    found[0]["y"] = y
            elif not found and id not in early:
                early[id] = y, time
                if len(early) > most:
                    early.pop(next(iter(early)))
        waiting = [r for r in records if r["out"] is None]
        while waiting and ("y" in waiting[0] or clock > waiting[0]["t"] + within):
            out.append((waiting[0]["id"], waiting[0].get("y")))
            waiting.pop(0)["out"] = True
        records = waiting
    return out


EVENTS = st.lists(
    st.tuples(st.sampled_from(["record", "label"]), st.integers(0, 6), st.integers(-3, 6)),
    max_size=60,
)


@given(EVENTS, st.sampled_from([3.0, 8.0, np.inf]), st.integers(1, 6))
def test_the_buffer_is_as_one_that_remembers_everything(events, within, most):
    time, timed = 0, []
    for kind, id, step in events:  # times go forward, mostly
        time += step
        timed.append((kind, id, float(time)))
    buffer, out = LabelBuffer(None if within == np.inf else within, most), []
    for number, (kind, id, now) in enumerate(timed):
        if number == len(timed) // 2:  # through a checkpoint
            saved = json.loads(json.dumps(buffer.snapshot()))
            counts, buffer = buffer.counts, LabelBuffer(buffer.within, most)
            buffer.restore(saved)
            buffer.counts |= counts
        if kind == "record":
            buffer.advance(now)
            out += [(w.x["id"], w.y) for w in buffer.take(room=1)]
            buffer.add(id, {"id": id}, None, now)
        else:
            buffer.label(id, len(out) + 100.0, now)
        out += [(w.x["id"], w.y) for w in buffer.take()]
        assert len(buffer) <= most
    assert out == naive(timed, within, most)


# -- the task ----------------------------------------------------------------------------


def values(count, seed=0):
    rng = np.random.default_rng(seed)
    return [
        {"id": n, "t": float(n), "u": float(u), "y": float(2 * u + v)}
        for n, (u, v) in enumerate(rng.normal(size=(count, 2)))
    ]


def without(value, *names):
    return {k: v for k, v in value.items() if k not in names}


def delayed(rows, delays):
    """The stream of records and of labels that come so many records later; None for never."""
    due = {}
    for n, delay in enumerate(delays):
        if delay is not None:
            due.setdefault(n + delay, []).append(n)
    stream = []
    for n in range(len(rows) + 1 + max((d for d in delays if d), default=0)):
        now = float(min(n, len(rows) - 1))
        if n < len(rows):
            stream.append(without(rows[n], "y"))
        stream += [{"id": i, "t": now, "y": rows[i]["y"]} for i in due.get(n, [])]
    return stream


def in_time(model, rows):
    task = Task(model, Rows("y", exclude=["id", "t"]), copy=["id"])
    return task.learn(as_records(rows)).rows


@pytest.mark.parametrize("kind", [RecurrentRegressor, RecurrentClassifier])
def test_late_labels_teach_what_labels_in_time_teach(interpreted, kind):
    def model():
        return kind(LSTM(3), SnAp1(), seed=3)

    rows = values(120)
    if kind is RecurrentClassifier:
        rows = [{**row, "y": f"c{round(row['y']) % 3}"} for row in rows]
    for n in range(40, 120):
        rows[n]["late_feature"] = n % 5 / 2  # the networks grow
    rng = np.random.default_rng(1)
    delays = [int(d) for d in rng.integers(0, 9, len(rows))]
    for n in range(60, 70):
        delays[n] = None  # these never come
    task = late(model, within=20.0)
    outcome = task.learn(as_records([*delayed(rows, delays), {"id": -1, "t": 1e3, "u": 0.0}]))
    truth = model()
    in_time(truth, [{**r, "y": None} if d is None else r for r, d in zip(rows, delays)])
    assert state(task.estimator.late) == state(truth)
    assert outcome.labels == {"joined": 110, "expired": 10, "unmatched": 0, "duplicate": 0}
    assert outcome.counts["learned"] == 110
    assert outcome.counts["predicted"] == 121
    assert [row["id"] for row in outcome.rows] == [*range(120), -1]
    predictions = {row["id"]: row["prediction"] for row in outcome.rows}
    scored = [r for r, d in zip(rows, delays) if d is not None]
    found = [s for s in outcome.settled if s["target"] is not None]
    assert [s["target"] for s in found] == [r["y"] for r in scored]
    assert [s["prediction"] for s in found] == [predictions[r["id"]] for r in scored]


def test_without_delay_the_predictions_are_those_of_labels_in_time(interpreted):
    rows = values(80)
    for n in range(30, 80):
        rows[n]["later"] = n % 3 - 1.0
    task = late(network)
    outcome = task.learn(as_records(delayed(rows, [0] * 80)))
    truth = in_time(network(), rows)
    assert [r["prediction"] for r in outcome.rows] == [r["prediction"] for r in truth]
    assert "target" not in outcome.rows[0]


def test_a_delay_costs_accuracy_and_no_more(interpreted):
    rows = values(400)
    errors = []
    for delay in (0, 20):
        outcome = late(network).learn(as_records(delayed(rows, [delay] * 400)))
        last = outcome.settled[-100:]
        errors.append(np.mean([abs(s["prediction"] - s["target"]) for s in last]))
    assert errors[0] < 1.2 > errors[1]
    assert errors[1] < 1.1 * errors[0]


FAULTS = st.sampled_from(
    [
        {"id": 3, "t": 3.0, "u": float("nan")},
        {"id": None, "t": 4.0, "u": 1.0},
        {"t": 4.0, "y": 1.0},
        {"id": 2, "t": "soon", "y": 1.0},
        {"id": 1, "t": 5.0, "y": "text"},
        {"id": 1, "t": 5.0, "u": "text"},
        {"id": [1], "t": 5.0, "u": 1.0},
        Record(None, b"{broken", "malformed", "p", 77),
        Label(None, b"\xff", "not UTF-8", "q", 78),
        Label({"id": 2, "t": 2.0}, b"{}", None, "q", 79),
    ]
)
ROW = st.fixed_dictionaries(
    {"id": st.integers(0, 9), "t": st.integers(0, 30).map(float), "u": st.floats(-1, 1)}
)
TOLD = st.fixed_dictionaries(
    {"id": st.integers(0, 9), "t": st.integers(0, 30).map(float), "y": st.floats(-1, 1)}
)


@settings(deadline=None, max_examples=100)
@given(st.lists(ROW | TOLD | FAULTS, max_size=30), st.integers(1, 9), st.integers(1, 8))
@example(  # a record that is late when it comes, and then its label
    [{"id": 0, "t": 7.0, "u": 0.0}, {"id": 0, "t": 0.0, "u": 0.0}, {"id": 0, "t": 0.0, "y": 0.0}],
    1,
    1,
)
def test_batches_and_checkpoints_make_no_difference(stream, size, most):
    records = as_records(stream)

    def run(size, again):
        task, rows, letters, scored = late(within=6.0, most=most), [], [], []
        for at in range(0, len(records), size):
            outcome = task.learn(records[at : at + size])
            rows += outcome.rows
            letters += outcome.refused
            scored += outcome.settled
            if again:
                meta, arrays = task.snapshot()
                task = late(within=6.0, most=most)
                task.restore(json.loads(json.dumps(meta)), arrays)
        meta, arrays = task.snapshot()
        return rows, letters, scored, meta, {k: v.tobytes() for k, v in arrays.items()}

    expected = run(1000, False)
    found = run(size, True)
    assert found[:3] == expected[:3]
    assert json.dumps(found[3]) == json.dumps(expected[3])
    assert found[4] == expected[4]
    rows, letters = expected[:2]
    told = sum(1 for r in records if late().is_label(r))
    told_badly = sum(1 for letter in letters if letter["stage"] == "label")
    assert len(rows) + len(letters) == len(records) - told + told_badly


def test_dead_letters_of_labels_say_why():
    stream = [
        {"id": "a", "t": 1.0, "u": 1.0},
        Label({"id": "a", "t": 2.0, "y": "text"}, b"1", None, "q", 1),
        Label({"id": "a", "t": 2.0}, b"2", None, "q", 2),
        Label({"t": 2.0, "y": 1.0}, b"3", None, "q", 3),
        Label({"id": "a", "t": "soon", "y": 1.0}, b"4", None, "q", 4),
        Label(None, b"{", "malformed", "q", 5),
        Label({"id": "a", "t": 2.0, "y": 1.0}, b"6", None, "q", 6),
    ]
    outcome = late(network, within=5.0).learn(as_records(stream))
    found = [(letter["stage"], letter["reason"], letter["offset"]) for letter in outcome.refused]
    assert found == [
        ("label", "label", 1),
        ("label", "missing_target", 2),
        ("label", "label", 3),
        ("label", "label", 4),
        ("label", "undecodable", 5),
    ]
    assert "'text' is not a finite number" in outcome.refused[0]["error"]
    assert "'id', by which labels and records are joined, is None" in outcome.refused[2]["error"]
    assert "'t' is 'soon', not a time before the year 2200" in outcome.refused[3]["error"]
    assert outcome.counts["learned"] == 1


def test_a_label_without_a_value_is_passed_over():
    task = late(alone=False)
    stone = Label(None, b"", TOMBSTONE, "labels", 0, None, b"a")
    label = Label({"id": "a", "y": 2.0}, b"", None, "labels", 1)
    outcome = task.learn([*as_records([{"id": "a", "u": 1.0}]), stone, label])
    assert (outcome.passed, outcome.refused) == (1, [])
    assert outcome.counts == {"consumed": 3, "predicted": 1, "learned": 1, "refused": 0}


def test_a_mixture_with_labels_has_no_member_that_knows_the_last_target():
    config = parse(FILES, ['estimator={type="stream-regressor"}'])
    assert "last" not in estimator(config)._labels
    config = parse(FILES, ['estimator={type="stream-regressor", members=[{type="Last"}]}'])
    with pytest.raises(ConfigError, match="last predicts from the last target"):
        estimator(config)


# -- two sources -------------------------------------------------------------------------


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 9), max_size=12),
    st.lists(st.integers(0, 9), max_size=12),
    st.integers(1, 5),
    st.integers(0, 24),
    st.booleans(),
)
def test_two_sources_are_merged_alike_wherever_they_are_resumed(first, second, size, cut, timed):
    def source():
        sides = (
            MemorySource([{"id": n, "at": at} for n, at in enumerate(times)])
            for times in (first, second)
        )
        return LabelledSource(*sides, time="at" if timed else None)

    whole = source()
    expected = whole.next_batch(100, 0.0)
    assert whole.finished
    assert len(expected) == len(first) + len(second)
    broken, found = source(), []
    while len(found) < cut and not broken.finished:
        found += broken.next_batch(min(size, cut - len(found)), 0.0)
    resumed = source()
    resumed.restore(json.loads(json.dumps(broken.snapshot())))
    while not resumed.finished:
        found += resumed.next_batch(size, 0.0)
    assert found == expected
    assert [type(r) for r in found] == [type(r) for r in expected]


class Crash(BaseException):
    """As near to kill -9 as one process can come."""


@pytest.mark.parametrize("alone", [True, False])
def test_a_crash_and_a_resume_change_nothing(tmp_path, alone):
    rows = values(90)
    stream = delayed(rows, [n % 7 for n in range(90)])
    told = [v for v in stream if "y" in v]
    asked = [v for v in stream if "y" not in v]

    def run(store, sink, batch):
        source = MemorySource(stream)
        if not alone:
            source = LabelledSource(MemorySource(asked), MemorySource(told), time="t")
        schedule = Schedule(batch_records=batch, poll_seconds=0.01, every_records=30)
        task = late(within=50.0, alone=alone)
        line = Pipeline(source, task, sink, MemorySink(), store, schedule)
        try:
            line.run()
        finally:
            line.close()
        meta, arrays = task.snapshot()
        return sink.rows, meta, {k: v.tobytes() for k, v in arrays.items()}, line.counters

    class Failing(MemorySink):
        left = 9

        def write(self, rows):
            super().write(rows)
            self.left -= 1
            if self.left == 0:
                raise Crash

    expected = run(None, MemorySink(), 1000)
    sink = Failing()
    with pytest.raises(Crash):
        run(Store(tmp_path), sink, 7)
    assert run(Store(tmp_path), sink, 5) == expected


# -- the configuration, and the service over files ---------------------------------------

FILES = """
source = {type = "file", path = "in.jsonl"}
sink = {type = "file", path = "out.jsonl"}
features = {target = "y"}
estimator = {type = "regressor", cell = {type = "LSTM", units = 3}}
labels = {key = "id", source = {type = "file", path = "labels.csv"}, within = "30s", time = "t"}
checkpoint = {url = "checkpoints", every_records = 50}
run = {batch_records = 20}
metrics = {enabled = false}
"""


def write_streams(folder, count):
    rows = values(count)
    asked = [json.dumps(without(row, "y")) for row in rows]
    (folder / "in.jsonl").write_text("\n".join(asked) + "\n")
    told = [f"{r['id']},{r['t'] + r['id'] % 9},{r['y']}" for r in rows if r["id"] % 10]
    told.sort(key=lambda line: float(line.split(",")[1]))
    (folder / "labels.csv").write_text("\n".join(["id,t,y", *told, ""]))


def test_files_by_configuration(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_streams(tmp_path, 1000)
    metrics = Metrics("m")
    line = service(parse(FILES), (metrics,))
    counters = line.run()
    line.close()
    assert counters == {"consumed": 1900, "predicted": 1000, "learned": 882, "refused": 0}
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == list(range(1000))
    text = metrics.text()
    assert 'stream_rnn_labels_total{outcome="joined"} 900.0' in text
    assert 'stream_rnn_labels_total{outcome="expired"} 98.0' in text
    assert 'stream_rnn_labels_pending{learner="m"} ' in text
    assert 'stream_rnn_rolling_mae{learner="m"} ' in text


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["labels.within=0"], "labels.within = 0.0: give seconds above 0"),
        (['labels.within="10 minutes"'], "'30s', '10m'"),
        (['labels={key="id", within=3}'], "labels.within needs labels.time"),
        (["labels={}"], "labels.key: is missing"),
        (['labels.kye="id"'], "labels.kye: unknown field; did you mean 'key'"),
        (['labels.topic="t"'], "labels.topic and labels.source: give one of them"),
        (['labels={key="id", topic="t"}'], "labels.topic is for a Kafka source"),
        (['labels.key="y"'], "is the target"),
        (['features.include=["id"]'], "only joins records"),
        (["features.lags={y=[1]}"], r"features\.lags\.y: with labels"),
        (["estimator.target_lags=2"], "estimator.target_lags: with labels"),
        (['estimator.type="forecaster"'], "cannot learn later than it predicts"),
        (['key="id"'], "together with key"),
        (["features={}"], "labels needs features.target"),
        (['source={type="stdin"}'], "cannot be read twice"),
        (["labels.max_pending=0"], "labels.max_pending = 0: expected int >= 1"),
    ],
)
def test_configurations_that_are_refused(overrides, message):
    with pytest.raises(ConfigError, match=message):
        parse(FILES, overrides)


class Fixed(Linear):
    """Predicts 1, whatever comes."""

    def stream(self, xs, ys):
        return [{"prediction": 1.0} for _ in xs]

    def follow(self, other): ...

    def check_target(self, y): ...


def test_an_evaluation_asks_baselines_when_the_record_comes():
    """The last value is that of the last label, not of the last record."""
    stream = [{"id": 1, "t": 0}, {"id": 2, "t": 1}, {"id": 1, "t": 2, "y": 5.0}]
    stream += [{"id": 3, "t": 3}, {"id": 4, "t": 4}, {"id": 2, "t": 5, "y": 7.0}]
    stream += [{"id": 4, "t": 9, "y": 8.0}, {"id": 9, "t": 20}]  # 3 gets no label
    result = evaluate(MemorySource(stream), late(Fixed, within=10))
    scores = {score.name: score.values["MAE"] for score in result.scores}
    assert result.scored == 3
    assert scores["Fixed"] == pytest.approx((4 + 6 + 7) / 3)
    assert scores["last value"] == pytest.approx((5 + 7 + 3) / 3)
    assert [row["target"] for row in result.recent] == [5.0, 7.0, 8.0]


def test_evaluate_and_inspect_know_labels(tmp_path, monkeypatch, interpreted):
    monkeypatch.chdir(tmp_path)
    write_streams(tmp_path, 300)
    (tmp_path / "late.toml").write_text(FILES)
    arguments = ["evaluate", "in.jsonl", "-y", "y", "--config", "late.toml", "--json"]
    found = json.loads(CliRunner().invoke(app, arguments).output)
    assert found["model"] == "RecurrentRegressor"
    assert found["records"] == 570
    assert 200 < found["scored"] <= 270
    line = pipeline(load(tmp_path / "late.toml"))
    line.run()
    line.close()
    waiting = len(line.task.buffer)
    assert waiting > 0
    shown = CliRunner().invoke(app, ["inspect", "checkpoints"]).output
    assert f"labels: {waiting} records wait, 0 labels came before" in shown


@pytest.mark.parametrize("wrong", ["9999-12-31T00:00:00Z", 1e300, "2900-01-01"])
@pytest.mark.parametrize("where", ["record", "label"])
def test_a_time_in_centuries_to_come_is_set_aside_and_moves_no_clock(where, wrong):
    day = 1_767_225_600  # 2026
    stream = []
    for n in range(40):
        stream.append({"id": n, "x": n % 3, "t": day + n})
        stream.append({"id": n, "y": float(n % 3), "t": day + n + 0.5})
    at = 20 if where == "record" else 21
    stream[at] = {**stream[at], "t": wrong}
    outcome = late(within=5.0).learn(as_records(stream))
    assert outcome.counts["refused"] == 1
    assert "not a time before the year 2200" in outcome.refused[0]["error"]
    assert outcome.labels["joined"] == 39
    assert outcome.counts["learned"] == 39


@pytest.mark.parametrize("odd", ["2031-12-31T00:00:00Z", 1.9e9, "2199-01-01"])
@pytest.mark.parametrize("batch", [1, 7, 100])
def test_one_date_far_ahead_does_not_end_time(odd, batch):
    """All later labels would be too late for good."""
    records = []
    for n in range(60):
        records.append({"id": n, "u": n % 4, "t": 1.7e9 + n})
        records.append({"id": n, "y": float(n % 3), "t": 1.7e9 + n + 1})
    records.insert(21, {"id": "odd", "u": 1.0, "t": odd})
    rows = Rows("y", exclude=["id", "t"], missing_target="advance")
    task = LateTask(
        Delayed(RecurrentRegressor(LSTM(2)), RecurrentRegressor(LSTM(2))), rows, Join("id", 5, "t")
    )
    stream = [Record(value, b"", offset=n) for n, value in enumerate(records)]
    outcomes = [task.learn(stream[n : n + batch]) for n in range(0, len(stream), batch)]
    assert sum(outcome.counts["learned"] for outcome in outcomes) == 60
    assert task.buffer.counts["expired"] == 1
    assert len(task.buffer) == 0
