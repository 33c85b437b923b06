"""The same bits, however a stream is cut, saved, copied or asked for predictions."""

import copy
import pickle
from itertools import pairwise

import numpy as np
import pytest
from helpers import wave
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import config

from stream_rnn import (
    LSTM,
    RTRL,
    TBPTT,
    Adam,
    BadRecord,
    Clip,
    Elman,
    Kalman,
    RecurrentClassifier,
    RecurrentMultiTargetRegressor,
    RecurrentRegressor,
)

T = 60


def regressor(**settings):
    return RecurrentRegressor(LSTM(4), RTRL(), Kalman(), seed=3, **settings)


def several(**settings):
    return RecurrentMultiTargetRegressor(
        Elman(4), TBPTT(6, 2), (Clip(1.0), Adam(0.01)), seed=3, **settings
    )


def classifier(**settings):
    return RecurrentClassifier(LSTM(4), seed=3, **settings)


def records(make):
    """A stream in which features, targets and classes are missing, come late and are new."""
    X, Y = wave(T, 3, 2)
    rng = np.random.default_rng(4)
    xs = [dict(zip("abc", row, strict=True)) for row in X.tolist()]
    for t, x in enumerate(xs):
        if t < 20:
            del x["c"]
        if 10 <= t < 14:
            del x["a"]
        if rng.random() < 0.1:
            x["b"] = None
        if t == 40:
            x |= {"late": 1.5, "early": -1.0}
    if make is regressor:
        ys = [float(y[0]) for y in Y]
    elif make is several:
        ys = [{"u": float(u), "v": float(v)} for u, v in Y]
        for t, y in enumerate(ys):
            if t < 25:
                del y["v"]
            if t % 7 == 3:
                y["u"] = None
    else:
        names = ("low", "high", "middle")
        ys = [names[int(y > 0) + int(t > 30 and y > 0.5)] for t, y in enumerate(Y[:, 0])]
    for t in (5, 17, 33):
        ys[t] = None
    return xs, ys


KINDS = [(regressor, "float32", 0), (several, "float64", 0), (classifier, "float32", 0)]
if config.DISABLE_JIT:  # each would be compiled by itself
    KINDS += [(regressor, "float64", 3), (several, "float32", 2), (classifier, "float64", 0)]


@pytest.fixture(params=KINDS, ids=lambda k: f"{k[0].__name__}-{k[1]}-{k[2]} lags")
def made(request):
    """A function that makes a fresh estimator, its records, and a run in one piece."""
    make, dtype, lags = request.param
    settings = {"dtype": dtype} | ({"target_lags": lags} if lags else {})
    whole = make(**settings)
    xs, ys = records(make)
    return lambda: make(**settings), xs, ys, whole.stream(xs, ys), whole


def bits(model):
    """Everything an estimator holds, comparable."""
    arrays, meta = model.snapshot()
    return {name: (a.dtype, a.shape, a.tobytes()) for name, a in arrays.items()}, meta


def same(a, b):
    """Equal to the last bit, NaN included: a float's repr is exact."""
    return repr(a) == repr(b)


CUTS = [range(T), [1, 2], [13], [20, 21, 25, 26, 41], [7, 31, 59]]


@pytest.mark.parametrize("cuts", CUTS, ids=str)
def test_any_cutting_into_batches(made, cuts):
    fresh, xs, ys, expected, whole = made
    model, got = fresh(), []
    edges = [0, *cuts, T]
    for start, end in pairwise(edges):
        got += model.stream(xs[start:end], ys[start:end])
    assert same(got, expected)
    assert bits(model) == bits(whole)


def test_one_record_at_a_time(made):
    fresh, xs, ys, expected, whole = made
    model = fresh()
    for x, y, fields in zip(xs, ys, expected, strict=True):
        if hasattr(model, "predict_proba_one"):
            assert model.predict_proba_one(x) == fields["probabilities"]
        assert same(model.predict_one(x), fields["prediction"])
        model.learn_one(x, y)
    assert bits(model) == bits(whole)


@pytest.mark.parametrize("via", ["snapshot", "pickle", "deepcopy"])
def test_a_copy_taken_at_any_record_goes_on_alike(made, via):
    fresh, xs, ys, expected, whole = made
    model, got = fresh(), []
    for t in range(T):
        if via == "snapshot":
            saved = model.snapshot()
            model.stream(xs[t : t + 2], ys[t : t + 2])  # must not reach what was saved
            model = fresh()
            model.restore(saved)
        elif via == "pickle":
            model = pickle.loads(pickle.dumps(model))
        else:
            model = copy.deepcopy(model)
        got += model.stream(xs[t : t + 1], ys[t : t + 1])
    assert same(got, expected)
    assert bits(model) == bits(whole)


def test_predicting_changes_nothing(made):
    fresh, xs, ys, expected, _ = made
    model, got = fresh(), []
    for t in range(T):
        before = bits(model)
        for x in (xs[t], xs[-1 - t], {}, {"never seen": 1.0}):
            model.predict_one(x)
        assert bits(model) == before
        got += model.stream(xs[t : t + 1], ys[t : t + 1])
    assert same(got, expected)


def test_a_refused_batch_changes_nothing(made):
    fresh, xs, ys, expected, _ = made
    model = fresh()
    got = model.stream(xs[:30], ys[:30])
    before = bits(model)
    batch = [dict(x) for x in xs[30:]]
    batch[3]["a"] = float("inf")
    batch[3]["new in a bad record"] = 1.0
    with pytest.raises(BadRecord, match="'a': inf is not finite") as caught:
        model.stream(batch, ys[30:])
    assert caught.value.index == 3
    assert bits(model) == before
    got += model.stream(xs[30:], ys[30:])
    assert same(got, expected)


def test_the_order_of_keys_does_not_matter(made):
    fresh, xs, ys, expected, whole = made
    model = fresh()
    got = model.stream([dict(reversed(x.items())) for x in xs], ys)
    assert same(got, expected)
    assert bits(model) == bits(whole)


@pytest.mark.parametrize("chunk", [1, 7, T])
def test_tables_are_their_rows(made, chunk):
    fresh, _, ys, _, _ = made
    if isinstance(fresh(), RecurrentMultiTargetRegressor):
        ys = wave(T, 3, 2)[1]
    elif isinstance(fresh(), RecurrentRegressor):
        ys = [np.nan if y is None else y for y in ys]
    X = wave(T, 3)[0]
    by_table, by_row = fresh(), fresh()
    got = [by_table.prequential(X[t : t + chunk], ys[t : t + chunk]) for t in range(0, T, chunk)]
    expected = []
    for x, y in zip(X.tolist(), ys, strict=True):
        x = dict(enumerate(x))
        if isinstance(y, np.ndarray):
            p = by_row.predict_one(x)
            expected.append([p.get(j, 0.0) for j in range(2)])
            y = dict(enumerate(y.tolist()))
        else:
            ask = getattr(by_row, "predict_proba_one", by_row.predict_one)
            expected.append(ask(x))
        by_row.learn_one(x, y)
    if isinstance(expected[0], dict):
        assert [p for part in got for p in part] == expected
    else:
        assert np.concatenate(got).tolist() == expected
    assert bits(by_table) == bits(by_row)


NAMES = st.sampled_from(["a", "b", 3, ("t", 1)])
VALUES = st.one_of(st.none(), st.floats(-10, 10), st.sampled_from([0.0, 1e12, -1e-12, 7]))
RECORDS = st.lists(st.dictionaries(NAMES, VALUES, max_size=3), min_size=1, max_size=20)
ACTIONS = st.sampled_from(["go on", "snapshot", "pickle", "refuse", "predict"])


@settings(max_examples=40)
@given(st.data(), RECORDS, st.booleans())
def test_any_stream_with_anything_in_between(data, xs, lagged):
    """Batches of any size, saved, restored, refused: the same as record by record."""
    options = {"target_lags": 2} if lagged else {}
    ys = data.draw(st.lists(VALUES, min_size=len(xs), max_size=len(xs)))
    reference, model = regressor(**options), regressor(**options)
    expected = [reference.stream([x], [y])[0] for x, y in zip(xs, ys, strict=True)]
    got, t = [], 0
    while t < len(xs):
        action = data.draw(ACTIONS)
        if action == "snapshot":
            saved, model = model.snapshot(), regressor(**options)
            model.restore(saved)
        elif action == "pickle":
            model = pickle.loads(pickle.dumps(model))
        elif action == "refuse":
            with pytest.raises(BadRecord):
                model.stream([*xs[t:], {"bad": float("inf")}], [*ys[t:], 1.0])
        elif action == "predict":
            model.predict_one(xs[t])
        end = data.draw(st.integers(t + 1, len(xs)))
        got += model.stream(xs[t:end], ys[t:end])
        t = end
    assert same(got, expected)
    assert bits(model) == bits(reference)
    assert all(np.isfinite(fields["prediction"]) for fields in got)
