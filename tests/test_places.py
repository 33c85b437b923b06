"""No bit depends on where arrays lie: an adversary chooses the place, every result is the same.

He moves each block within its page and the arrays within it apart, as far as blocks allow: they
begin at cache lines and keep their moats.  What a call is given lies where he wants it, too.
"""

import numpy as np
import pytest
from helpers import EXPERTS
from moved import PAGE, move_blocks, moved

from stream_rnn import (
    GRU,
    LSTM,
    RTRL,
    TBPTT,
    Adam,
    Clip,
    Kalman,
    RecurrentAnomalyDetector,
    RecurrentClassifier,
    RecurrentForecaster,
    RecurrentMultiTargetRegressor,
    RecurrentMultivariateForecaster,
    RecurrentRegressor,
    TextPredictor,
)
from stream_rnn.text.bits.state import BitSpec
from stream_rnn.text.network.coupled_lstm import NetworkSpec
from stream_rnn.text.presets import PRESETS

#: Bytes between two arrays, where a block begins in its page, where an input does.
CHOICES = ((1024, 0, 0), (1024 + 64, 64, 8), (PAGE + 192, 1984, 24), (PAGE - 64, PAGE - 64, 4000))
X = np.random.default_rng(0).normal(size=(90, 7))
TEXT = (
    "First Citizen:\nBefore we proceed any further, hear me speak.\n\nAll:\nSpeak, speak.\n\n"
    "First Citizen:\nYou are all resolved rather to die than to famish?\n\n"
)
SMALL = NetworkSpec(units=9, block=8, replay=1, memory=512)
FEW = BitSpec(buckets=1 << 10)
#: The presets' members, in sizes that are quick to compute; the machine code is the presets'.
MEMBERS = {
    "default": PRESETS["default"]._replace(network=SMALL),
    "network": PRESETS["network"]._replace(network=SMALL),
    "contexts": PRESETS["contexts"],
    "fast": PRESETS["fast"]._replace(bits=FEW),
    "best": PRESETS["best"]._replace(network=SMALL, second=SMALL, bits=FEW),
}


def results(run, monkeypatch):
    """What *run* returns for an input's place, as bytes, for each of the choices."""
    for apart, offset, given in CHOICES:
        move_blocks(monkeypatch.setattr, apart, offset)
        model, *rest = run(given)
        arrays = [array for _, array in sorted(model.snapshot().arrays.items())]
        yield b"".join(np.ascontiguousarray(a).tobytes() for a in (*arrays, *map(np.array, rest)))


def regressor(given, **settings):
    model = RecurrentRegressor(seed=1, **settings)
    y = np.tanh(np.cumsum(X[:, 0]))
    return (
        model,
        model.prequential(moved(X, given), moved(y, given)),
        model.predict_one({"late": 1}),
    )


def several(given):
    model = RecurrentMultiTargetRegressor(seed=1)
    ys = [{"a": float(x[0]), "b": float(x[1])} for x in X]
    for x, y in zip(X, ys, strict=True):
        model.learn_one(dict(enumerate(x.tolist())), y)
    return (model,)


def classifier(given):
    model = RecurrentClassifier(seed=1)
    classes = np.array(["a", "b"])[(X[:, 0] > 0).astype(int)]
    made = model.prequential(moved(X, given), classes)
    return model, [str(y) for y in made]


def forecaster(given):
    model = RecurrentForecaster(experts=EXPERTS)
    values = np.cumsum(X[:, 1])
    made = model.prequential(moved(values[:60], given))
    for t, value in enumerate(values[60:]):
        model.learn_one(float(value), {"new": float(t)} if t > 9 else None)
    return model, made, model.forecast(3)


def multivariate(given):
    model = RecurrentMultivariateForecaster(experts=EXPERTS)
    for a, b in X[:60, :2].tolist():
        model.learn_one({"a": a, "b": b})
    return (model,)


def anomalies(given):
    model = RecurrentAnomalyDetector(experts=EXPERTS)
    return model, [
        model.score_one({"x": v}) for v in X[:20, 2].tolist() if not model.learn_one({"x": v})
    ]


CASES = {
    "regressor": regressor,
    "regressor, Adam": lambda given: regressor(
        given, cell=LSTM(13), learner=RTRL(), optimizer=(Clip(1.0), Adam(1e-2))
    ),
    "regressor, TBPTT": lambda given: regressor(
        given, cell=GRU(9), learner=TBPTT(10), optimizer=Kalman()
    ),
    "several targets": several,
    "classifier": classifier,
    "forecaster": forecaster,
    "multivariate": multivariate,
    "anomalies": anomalies,
}


@pytest.mark.parametrize("name", CASES)
def test_numbers(name, monkeypatch):
    assert len(set(results(CASES[name], monkeypatch))) == 1


@pytest.mark.parametrize(
    ("unit", "preset", "settings"),
    [
        ("byte", "contexts", {}),
        ("char", "contexts", {"max_symbols": 20}),
        *(  # each takes half a minute to compile
            pytest.param(*case, marks=pytest.mark.slow)
            for case in (
                *(("byte", name, {}) for name in MEMBERS if name != "contexts"),
                ("char", "default", {"max_symbols": 20}),
                ("word", "contexts", {}),
                ("word", "default", {}),
            )
        ),
    ],
)
def test_text(unit, preset, settings, monkeypatch):
    def run(given):
        model = TextPredictor(unit, MEMBERS[preset], seed=5, **settings)
        bits = model.learn_text(TEXT)
        again = TextPredictor(unit, MEMBERS[preset], seed=5, **settings)
        again.restore(model.snapshot())
        p = again.predict_proba_one()
        for symbol in again._unit.split(TEXT):
            again.learn_one(symbol if unit == "word" else again._unit.symbol(int(symbol)))
        return (
            again,
            bits,
            [p[name] for name in sorted(p, key=str)],
            again.generate(5, seed=1) == "",
        )

    assert len(set(results(run, monkeypatch))) == 1
