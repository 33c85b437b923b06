"""Estimators as bytes and files: what comes back is the same, settings and bits."""

import datetime

import numpy as np
import pytest
from helpers import EXPERTS
from hypothesis import given
from hypothesis import strategies as st

import stream_rnn
from stream_rnn import (
    GRU,
    TBPTT,
    Adam,
    CheckpointError,
    Clip,
    ConfigError,
    Dropout,
    Keyed,
    Quantile,
    RecurrentClassifier,
    RecurrentForecaster,
    RecurrentMultiTargetRegressor,
    RecurrentRegressor,
    TextPredictor,
)

X = np.random.default_rng(3).normal(size=(60, 2))
ROWS = [{"a": a, "b": b, "who": f"k{n % 3}"} for n, (a, b) in enumerate(X.tolist())]
Y = np.cumsum(X[:, 0]).tolist()
CHAIN = (Clip(1.0), Adam(0.01))


def numbers(row):
    return {"a": row["a"], "b": row["b"]}


CASES = {
    "regressor": (lambda: RecurrentRegressor(GRU(3), seed=2), numbers, Y),
    "stack, chain, quantile": (
        lambda: RecurrentRegressor((Dropout(GRU(3), 0.2), GRU(2)), TBPTT(5), CHAIN, Quantile(0.7)),
        numbers,
        Y,
    ),
    "classifier": (lambda: RecurrentClassifier(GRU(3)), numbers, [y > 0 for y in Y]),
    "multitarget": (
        lambda: RecurrentMultiTargetRegressor(GRU(3)),
        numbers,
        [{"y": y, "z": -y} for y in Y],
    ),
    "forecaster": (
        lambda: RecurrentForecaster(experts=EXPERTS, horizons=(1, 3)),
        lambda row: {},
        Y,
    ),
    "keyed": (lambda: Keyed(RecurrentRegressor(GRU(3)), "who"), lambda row: row, Y),
    "models by key": (
        lambda: Keyed(RecurrentRegressor(GRU(3)), "who", share="nothing"),
        lambda row: row,
        Y,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_loaded_goes_on_with_the_same_bits(case, tmp_path):
    make, features, ys = CASES[case]
    model = make()
    xs = [features(row) for row in ROWS]
    model.stream(xs[:40], ys[:40])
    model.save(tmp_path / "folder" / "model.safetensors")
    loaded = stream_rnn.load(tmp_path / "folder" / "model.safetensors")
    assert type(loaded) is type(model)
    assert repr(loaded) == repr(model)
    assert loaded.stream(xs[40:], ys[40:]) == model.stream(xs[40:], ys[40:])


def test_text_with_a_preset_of_its_own():
    model = TextPredictor(unit="char", preset="contexts", max_symbols=30)
    model.learn_text("to be or not to be, " * 5)
    loaded = stream_rnn.loads(stream_rnn.dumps(model))
    assert loaded.learn_text("to be") == model.learn_text("to be")
    assert loaded.generate(20, seed=1) == model.generate(20, seed=1)


NAMES = [("ask", ("level", 1)), 3, 2.5, None, np.int64(4), np.str_("n"), "place=1"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", [RecurrentRegressor, RecurrentClassifier])
def test_names_of_any_kind_come_back(kind, name):
    """As columns of numbers, of text, of nothing yet, and as classes; also without a file."""
    model = kind(GRU(3), seed=1)
    ys = [name, "other"] if kind is RecurrentClassifier else [1.0, 2.0]
    for t in range(40):
        model.learn_one({name: "xy"[t % 2], "b": t % 2, ("never", 1): None}, ys[t % 2])
    data, packer = stream_rnn.dumps(model), stream_rnn.Packer(model)
    models = [model, stream_rnn.loads(data), packer.load(packer.dump(model))]
    xs = [{name: "x", "b": 1}, {"b": 0, ("never", 1): 2.0}]
    first, *others = [one.stream(xs, ys) for one in models]
    assert others == [first, first]


@pytest.mark.parametrize("name", [datetime.date(2026, 1, 1), b"x", frozenset({1})])
def test_a_name_that_would_come_back_as_another_is_not_saved(name):
    as_number, as_class = RecurrentRegressor(GRU(3)), RecurrentClassifier(GRU(3))
    as_text = RecurrentRegressor(GRU(3))
    for n in (0.0, 1.0):
        as_number.learn_one({name: n}, n)
        as_text.learn_one({name: "text", "b": n}, n)
        as_class.learn_one({"b": n}, name)
    for model in (as_number, as_text, as_class):
        with pytest.raises(CheckpointError, match="cannot be saved; name features and classes"):
            stream_rnn.dumps(model)


@given(st.data())
def test_a_changed_bit_is_seen(data):
    packed = bytearray(PACKED)
    at = data.draw(st.integers(0, len(packed) - 1))
    packed[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(CheckpointError):
        stream_rnn.loads(bytes(packed))


PACKED = stream_rnn.dumps(RecurrentRegressor(GRU(2)))


def test_no_estimator_and_none_of_ours_are_named(tmp_path):
    with pytest.raises(ConfigError, match="Other has no name in a configuration"):
        stream_rnn.dumps(type("Other", (RecurrentRegressor,), {})())
    (tmp_path / "other").write_bytes(b"nothing of this kind")
    with pytest.raises(CheckpointError, match="damaged or not a checkpoint"):
        stream_rnn.load(tmp_path / "other")
    with pytest.raises(CheckpointError, match="cannot read"):
        stream_rnn.load(tmp_path / "missing")


def test_a_services_checkpoints_hold_its_estimator(tmp_path):
    from stream_rnn.assembly.service import pipeline
    from stream_rnn.config import from_table

    rows = "\n".join(f"{row['a']},{row['b']},{y}" for row, y in zip(ROWS, Y, strict=True))
    (tmp_path / "in.csv").write_text(f"a,b,y\n{rows}\n")
    table = {
        "source": {"type": "file", "path": str(tmp_path / "in.csv")},
        "sink": {"type": "file", "path": str(tmp_path / "out.jsonl")},
        "checkpoint": {"url": str(tmp_path / "checkpoints")},
        "features": {"target": "y"},
        "estimator": {"type": "regressor", "cell": {"type": "GRU", "units": 3}},
    }
    line = pipeline(from_table(table))
    line.run()
    line.close()
    loaded = stream_rnn.load(tmp_path / "checkpoints")
    model = RecurrentRegressor(GRU(3))
    model.stream([numbers(row) for row in ROWS], Y)
    assert loaded.predict_one({"a": 1.0, "b": 2.0}) == model.predict_one({"a": 1.0, "b": 2.0})


def test_a_services_forecaster_knows_its_time(tmp_path):
    from stream_rnn.assembly.service import pipeline
    from stream_rnn.config import from_table

    days = [f"2024-01-{day:02}" for day in range(1, 29)]
    rows = "\n".join(f"{day},{n % 7}" for n, day in enumerate(days))
    (tmp_path / "in.csv").write_text(f"day,y\n{rows}\n")
    table = {
        "source": {"type": "file", "path": str(tmp_path / "in.csv")},
        "sink": {"type": "file", "path": str(tmp_path / "out.jsonl")},
        "checkpoint": {"url": str(tmp_path / "checkpoints")},
        "features": {"target": "y", "timestamp": "day"},
        "estimator": {"type": "forecaster"},
    }
    line = pipeline(from_table(table))
    line.run()
    line.close()
    loaded = stream_rnn.load(tmp_path / "checkpoints")
    model = stream_rnn.RecurrentForecaster(timestamp="day")
    model.stream([{"day": day} for day in days], [float(n % 7) for n in range(28)])
    ahead = [{"day": f"2024-01-{day}"} for day in (29, 30, 31)]
    assert loaded.forecast(3, ahead) == model.forecast(3, ahead)
