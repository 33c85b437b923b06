"""Predictions that are made some records late, with what has come meanwhile."""

import datetime
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from river import base, checks

from connectors.base import Record
from stream_rnn import (
    GRU,
    BadRecord,
    CheckpointError,
    ConfigError,
    Lookahead,
    RecurrentClassifier,
    RecurrentForecaster,
    RecurrentMultiTargetRegressor,
    RecurrentRegressor,
    SequenceClassifier,
    SequenceRegressor,
    Sequences,
    dumps,
    load,
    loads,
)
from stream_rnn.assembly.parts import task
from stream_rnn.config import from_table
from stream_rnn.estimators.saving import served


class Recorder(base.Regressor):
    """Its prediction is how many records it has seen."""

    def __init__(self):
        self.seen = []

    def stream(self, xs, ys):
        self.seen += zip([x["n"] for x in xs], ys, strict=True)
        return [{"prediction": x["n"]} for x in xs]

    def learn_one(self, x, y):
        raise AssertionError

    def predict_one(self, x):
        return x["n"]


@given(st.integers(1, 4), st.lists(st.integers(0, 5), max_size=8))
def test_a_target_is_learned_k_records_later_however_the_stream_is_cut(k, sizes):
    inner, at, rows = Recorder(), 0, []
    model = Lookahead(inner, k)
    for size in sizes:
        part = range(at, at + size)
        assert model.predict_one({"n": at}) == (at if at >= k else None)
        rows += model.stream([{"n": n} for n in part], [10 * n for n in part])
        at += size
    assert inner.seen == [(n, 10 * (n - k) if n >= k else None) for n in range(at)]
    assert [row["prediction"] for row in rows] == [n if n >= k else None for n in range(at)]
    assert [row["target"] for row in rows] == [target for _, target in inner.seen]
    assert all(row["lookahead"] == k for row in rows)
    assert (f"last {min(k, at)} records" in model.unfinished()) if at else not model.unfinished()


def kinds():
    return [
        (RecurrentRegressor(GRU(3), seed=1), lambda u: float(u)),
        (RecurrentClassifier(GRU(3), seed=1), lambda u: "up" if u > 0 else "down"),
        (RecurrentMultiTargetRegressor(GRU(3), seed=1), lambda u: {"a": float(u), "b": 1.0}),
    ]


@pytest.mark.parametrize("kind", range(3))
def test_what_comes_next_is_known_and_a_saved_one_goes_on_with_the_same_bits(kind):
    inner, target = kinds()[kind]
    u = np.random.default_rng(0).normal(size=402)
    xs, ys = [{"u": float(v)} for v in u[:-2]], [target(v) for v in u[2:]]
    model = Lookahead(inner, 2)
    rows = model.stream(xs[:201], ys[:201])
    again = loads(dumps(model))
    assert type(again) is Lookahead
    rows += model.stream(xs[201:], ys[201:])
    other = [again.stream([x], [y])[0] for x, y in zip(xs[201:], ys[201:], strict=True)]
    assert rows[201:] == other
    assert dumps(model) == dumps(again)
    made = [row["prediction"] for row in rows[-100:]]
    true = ys[-102:-2]
    if kind == 1:
        assert np.mean([p == y for p, y in zip(made, true, strict=True)]) > 0.9
        assert rows[0]["probabilities"] == {}
        assert again.predict_proba_one(xs[0]).keys() == {"up", "down"}
    else:
        one = [p["a"] if kind == 2 else p for p in made]
        assert np.corrcoef(one, [y["a"] if kind == 2 else y for y in true])[0, 1] > 0.9


def test_the_table_of_a_service_says_so():
    """What `load` makes of a service's checkpoint, whether it has keys or not."""
    identity = {"estimator": {"type": "regressor"}, "lookahead": 2}
    inner = {"type": "lookahead", "estimator": {"type": "regressor"}, "k": 2}
    assert served({"identity": identity}) == inner
    keyed = served({"identity": identity | {"key": "id", "share": "nothing"}})
    assert keyed == {"type": "keyed", "estimator": inner, "key": "id", "share": "nothing"}


def test_no_target_reaches_its_own_prediction():
    a, b = (Lookahead(RecurrentRegressor(GRU(3), seed=1), 2) for _ in range(2))
    xs = [{"u": float(n % 5)} for n in range(30)]
    ys = [float(n % 3) for n in range(30)]
    other = [*ys[:20], 99.0, *ys[21:]]
    rows, changed = a.stream(xs, ys), b.stream(xs, other)
    assert rows[20]["target"] == changed[20]["target"] == ys[18]
    assert [r["prediction"] for r in rows[:23]] == [r["prediction"] for r in changed[:23]]
    assert rows[22]["target"] != changed[22]["target"]
    assert rows[23]["prediction"] != changed[23]["prediction"]


def test_what_is_refused_changes_nothing():
    model = Lookahead(RecurrentRegressor(GRU(3), seed=1))
    model.learn_one({"u": 1.0}, 2.0)
    before = dumps(model)
    with pytest.raises(BadRecord) as caught:
        model.stream([{"u": 1.0}, {"u": 2.0}], [1.0, "red"])
    assert caught.value.index == 1
    assert dumps(model) == before
    other = Lookahead(RecurrentRegressor(GRU(3), seed=1), 2)
    with pytest.raises(CheckpointError, match=r"Lookahead\(2\)"):
        other.restore(model.snapshot())


@pytest.mark.parametrize("inner", [RecurrentForecaster, SequenceClassifier])
def test_some_have_no_use_for_it(inner):
    with pytest.raises(ConfigError, match="single records"):
        Lookahead(inner())
    with pytest.raises(ConfigError, match="1 or more"):
        Lookahead(RecurrentRegressor(), 0)


TABLE = {
    "source": {"type": "file", "path": "in.csv"},
    "sink": {"type": "file", "path": "out.jsonl"},
    "metrics": {"enabled": False},
    "features": {"target": "y"},
    "estimator": {"cell": {"type": "GRU", "units": 3}},
    "lookahead": 2,
}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sequence": {"length": 3}, "estimator": {"type": "sequence-regressor"}}, r"\[sequence\]"),
        ({"labels": {"key": "id"}}, r"\[labels\]"),
        ({"estimator": {"type": "forecaster"}}, "single records"),
        ({"key": "machine"}, "share"),
    ],
)
def test_what_does_not_go_together(change, says):
    with pytest.raises(ConfigError, match=says):
        task(from_table(TABLE | change))
    assert type(task(from_table(TABLE)).estimator) is Lookahead


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # river's checks use what pandas will remove
@pytest.mark.parametrize(
    "model",
    [
        Lookahead(RecurrentRegressor(GRU(3), seed=1), 2),
        Sequences(SequenceRegressor(network=False, reservoir=4), length=3),
    ],
    ids=lambda model: type(model).__name__,
)
def test_rivers_checks_of_what_is_around_another_one(model):
    checks.check_estimator(model)


@pytest.mark.slow
def test_in_a_service_and_evaluated(tmp_path):
    u = np.random.default_rng(0).normal(size=300)
    lines = [f"{n},{u[n]:.3f},{u[n + 1]:.3f}" for n in range(299)]
    (tmp_path / "in.csv").write_text("\n".join(["id,u,y", *lines, ""]))
    (tmp_path / "pipeline.toml").write_text(TOML)

    def command(*words):
        words = [sys.executable, "-m", "stream_rnn", "-q", *words]
        made = subprocess.run(
            words, cwd=tmp_path, capture_output=True, text=True, env=os.environ | {"COLUMNS": "200"}
        )
        assert made.returncode == 0, made.stderr
        return made.stdout

    command("run", "pipeline.toml")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == [None, None, *(str(n) for n in range(297))]
    assert [row["target"] for row in rows[:2]] == [None, None]
    assert [row["target"] for row in rows[2:]] == [float(f"{v:.3f}") for v in u[1:298]]
    assert rows[5]["lookahead"] == 2
    model = load(tmp_path / "checkpoints")
    assert type(model) is Lookahead
    assert model.k == 2
    table = command("evaluate", "in.csv", "--config", "pipeline.toml", "--json")
    scores = json.loads(table)
    assert scores["scored"] == 297
    assert (
        scores["scores"]["RecurrentRegressor"]["MAE"]
        < 0.8 * scores["scores"]["running mean"]["MAE"]
    )


@pytest.mark.parametrize("key", [None, "who"])
def test_what_a_result_repeats_is_of_the_record_it_is_of(key):
    """After a checkpoint too; with keys, of the same key."""
    table = {
        "source": {"type": "file", "path": "in.csv"},
        "sink": {"type": "file", "path": "out.jsonl"},
        "features": {"target": "y", "exclude": ["id", "day", "who"]},
        "run": {"copy": ["id", "day"], "origin": True},
        "estimator": {"type": "regressor", "cell": {"type": "GRU", "units": 3}},
        "lookahead": 2,
    }
    table |= {} if key is None else {"key": key, "share": "nothing"}
    day = datetime.date(2026, 1, 2)
    values = [{"id": n, "who": "ab"[n % 3 // 2], "y": float(n), "day": day} for n in range(20)]
    found = [Record(v, b"", None, "p", n + 100) for n, v in enumerate(values)]
    one, other = task(from_table(table)), task(from_table(table))
    rows = one.learn(found[:9]).rows
    meta, arrays = json.loads(json.dumps(one.snapshot()[0])), one.snapshot()[1]
    if key is None:
        other.restore(meta, arrays)
    else:  # the contexts lie elsewhere
        other.estimator = one.estimator
        other.behind.restore(meta)
    rows += other.learn(found[9:]).rows
    before = {}
    for value, row in zip(values, rows, strict=True):
        mine = before.setdefault(key and value[key], [])
        mine.append(value)
        expected = mine[-3] if len(mine) > 2 else {"id": None, "y": None}
        assert (row["id"], row["target"]) == (expected["id"], expected["y"])
        assert row["offset"] == (None if row["id"] is None else row["id"] + 100)
        assert row["day"] == (None if row["id"] is None else "2026-01-02")


TOML = """
lookahead = 2
source = {type = "file", path = "in.csv"}
sink = {type = "file", path = "out.jsonl"}
metrics.enabled = false
features = {target = "y", exclude = ["id"]}
checkpoint = {url = "checkpoints", every_records = 60}
run = {batch_records = 20, copy = ["id"]}
estimator = {type = "regressor", cell = {type = "GRU", units = 3}}
"""
