"""One target for a whole sequence."""

import copy
import pickle

import naive_sequences as naive
import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from river import checks

from stream_rnn import (
    GRU,
    RTRL,
    SGD,
    TBPTT,
    BadRecord,
    Bidirectional,
    ConfigError,
    RecurrentClassifier,
    RecurrentRegressor,
    SequenceClassifier,
    SequenceRegressor,
    dumps,
    loads,
)
from stream_rnn.mixtures.base import Classes
from stream_rnn.mixtures.mixture import Mixture
from stream_rnn.mixtures.scales import standard
from stream_rnn.sequences.pooling import columns
from stream_rnn.sequences.pooling.gaussian import Gaussian
from stream_rnn.sequences.pooling.linear import Linear
from stream_rnn.sequences.pooling.reader import Reader

QUICK = {"cell": GRU(4), "reservoir": 8, "seed": 3}


def some(n, channels=2, seed=0, classes=3):
    """Sequences (T, m) of 1 to 20 steps that differ by class, and their classes."""
    rng = np.random.default_rng(seed)
    found = []
    for k in range(n):
        c, T = k % classes, int(rng.integers(1, 21))
        found.append((rng.normal(c, 1 + c, (T, channels)), "abc"[c]))
    return found


def taught(n=30, kind=SequenceClassifier, **given):
    model = kind(**(QUICK | given))
    for X, c in some(n):
        model.learn_one(X, c if kind is SequenceClassifier else float("abc".index(c)))
    return model


# The summary ------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@drawn(st.integers(1, 100), st.integers(1, 3), st.integers(0, 100))
def test_a_summary_is_that_of_the_stored_sequence(T, m, seed):
    X = np.random.default_rng(seed).normal(3, 2, (T, m)).round(2)
    reader = READERS[m]
    row = reader.look(X)[0]
    assert row[0] == T
    starts = columns.starts(reader.states, m)
    spread = X.var(0)
    for j, at in enumerate(starts):
        expected = naive.statistics(X[:, j], spread[j])
        assert row[at : at + columns.STATISTICS] == pytest.approx(expected, rel=1e-6, abs=1e-6)
        bins = row[at + columns.STATISTICS :][: columns.BINS]
        assert bins == pytest.approx(naive.outline(X[:, j], columns.BINS))
        pairs = at + columns.STATISTICS + columns.BINS
        C = np.cov(X.T, bias=True).reshape(m, m)
        assert row[pairs + j : pairs + 2 * j + 1] == pytest.approx(C[j, : j + 1], abs=1e-9)


READERS = {m: Reader(4, m, seed=1) for m in (1, 2, 3)}


def test_the_reservoir_is_an_lstm_left_as_drawn():
    reader = Reader(4, 2, seed=1, both=True)
    X = np.random.default_rng(0).normal(size=(9, 2))
    for n in range(3):
        reader.begin()
        reader.read(X + n)
        reader.commit()
    row = reader.look(X)[0]
    # steps are scaled by what was seen before each: recover what the reservoir saw
    reader.begin()
    inputs = reader.open.inputs
    seen = []
    for x in X:
        seen.append((x - inputs.mean) / np.sqrt(inputs.variance))
        reader.read(x[None])
    h = naive.lstm(reader.shared.ahead.W.astype(float), seen)
    assert row[1:9] == pytest.approx(np.concatenate([h[-1], h.mean(0)]), abs=1e-5)
    back = (X[::-1] - inputs.mean) / np.sqrt(inputs.variance)
    h = naive.lstm(reader.shared.back.W.astype(float), back)
    assert row[9:17] == pytest.approx(np.concatenate([h[-1], h.mean(0)]), abs=1e-5)


def test_a_missing_value_is_passed_over():
    X = np.array([[1.0, 5.0], [np.nan, 6.0], [3.0, 7.0]])
    row = READERS[2].look(X)[0]
    at = columns.starts(READERS[2].states, 2)[0]
    assert row[at + columns.MEAN] == 2.0
    assert row[at + columns.PACE] == 2.0
    assert np.isfinite(row).all()


def test_a_channel_more_is_columns_more_at_the_end():
    for m in (1, 5, columns.PAIRED, columns.PAIRED + 2):
        few = columns.chosen(8, m, state=True, statistics=True, outline=True)
        many = columns.chosen(8, m + 1, state=True, statistics=True, outline=True)
        assert (many[: len(few)] == few).all()
        assert columns.channels_of(8, columns.width(8, m)) == m


# The members ------------------------------------------------------------------------------------


def test_recursive_least_squares_ends_where_ridge_regression_does():
    rng = np.random.default_rng(0)
    spec = Linear(0.1, statistics=False, outline=False, states=3)
    mixture = Mixture((spec,), None, Classes(), columns.width(3, 1), 3, 0)
    X = rng.normal(size=(200, columns.width(3, 1)))
    y = rng.integers(0, 3, 200).astype(float)
    Z, units = np.empty(X.shape, np.float32), np.empty((200, 2))
    standard(mixture._scaling, X, y.copy(), Z, units, False)
    member = mixture.members[0]
    member.prequential(X, Z, units, y)
    Phi = np.column_stack([np.ones(200), Z[:, :4].astype(float)])
    expected = naive.ridge(Phi, 1.0 * (y[:, None] == np.arange(3)), np.array([1.0] + 4 * [0.1]))
    assert pytest.approx(expected, abs=1e-4) == member.state.weights.T


def test_the_gaussian_knows_all_steps_of_every_class():
    reader, rng = READERS[2], np.random.default_rng(0)
    mixture = Mixture(
        (Gaussian(0.5, reader.states),), None, Classes(), columns.width(reader.states, 2), 2, 0
    )
    steps, labels = [], []
    for k in range(20):
        X = rng.normal(k % 2, 1 + k % 2, (int(rng.integers(1, 9)), 2))
        mixture.prequential(reader.look(X), np.array([float(k % 2)]))
        steps.append(X)
        labels += [k % 2] * len(X)
    X = rng.normal(size=(5, 2))
    summary = reader.look(X)
    Z, units = mixture._at_sight(summary)
    made = mixture.members[0].predict(summary, Z, units)[0]
    expected = naive.gaussian(np.concatenate(steps), np.array(labels), X, 0.5)
    assert made == pytest.approx(expected, abs=1e-9)


def test_the_gradient_without_the_sequence_is_that_by_all_of_it():
    """After each sequence RTRL and back-propagation through all of it move the same way."""
    made = []
    for learner in [RTRL(), TBPTT(window=24)]:
        model = SequenceClassifier(GRU(4), learner, SGD(0.05), reservoir=4, seed=1)
        start = None
        for X, c in some(12):
            model.learn_one(X, c)
            theta = model._model.networks[0].network.state.theta
            start = theta.copy() if start is None else start
        made.append(theta.copy())
    assert abs(made[0] - start[: made[0].size].mean()).max() > 0.01
    assert made[0] == pytest.approx(made[1], abs=2e-6)


# The estimators ---------------------------------------------------------------------------------


def test_step_by_step_gives_the_same_bits():
    whole, steps = SequenceClassifier(**QUICK), SequenceClassifier(**QUICK)
    for X, c in some(12):
        p = whole.predict_proba_one(X)
        whole.learn_one(X, c)
        steps.begin()
        for x in X:
            steps.step(dict(enumerate(x)))
        assert steps.so_far() == p
        assert steps.end(c) == p
    assert same(whole, steps)


def same(one, other):
    a, b = one.snapshot(), other.snapshot()
    assert a.meta == b.meta
    return all(np.array_equal(a.arrays[n], b.arrays[n], equal_nan=True) for n in a.arrays)


def test_stream_is_predict_and_learn():
    one, other = SequenceClassifier(**QUICK), SequenceClassifier(**QUICK)
    data = some(12)
    rows = one.stream([X for X, _ in data], [c for _, c in data])
    for row, (X, c) in zip(rows, data, strict=True):
        assert row["probabilities"] == other.predict_proba_one(X)
        assert row["prediction"] == other.predict_one(X)
        other.learn_one(X, c)
    assert same(one, other)


def test_a_prediction_never_depends_on_what_was_looked_at_before():
    model = taught()
    X = some(1, seed=9)[0][0]
    before = model.predict_proba_one(X)
    model.predict_proba_one(100 * X)
    model.step({0: 1e3, 1: -1e3})  # open, and not of this sequence
    assert model.predict_proba_one(X) == before
    model.begin()
    assert model.predict_proba_one(X) == before
    assert same(model, taught())


def test_no_label_leaks_into_the_prediction_of_its_own_sequence():
    """Labels are drawn at random: a prediction that had seen its own would be right."""
    rng, model = np.random.default_rng(1), SequenceClassifier(**QUICK)
    right = 0
    for _ in range(200):
        c = int(rng.integers(0, 2))
        p = model.prequential([rng.normal(size=(5, 1))], [c])[0]
        right += bool(p) and max(p, key=p.get) == c
    assert 70 < right < 130  # 100 ± 4 deviations
    a, b = copy.deepcopy(model), copy.deepcopy(model)
    X = rng.normal(size=(5, 1))
    assert a.prequential([X], [0]) == b.prequential([X], [1])  # whatever the label is
    assert a.predict_proba_one(X) != b.predict_proba_one(X)  # which is then learned


def test_classes_are_told_apart():
    data = some(150)
    made = SequenceClassifier(**QUICK).prequential([X for X, _ in data], [c for _, c in data])
    pairs = zip(made[75:], data[75:], strict=True)
    late = [max(p, key=p.get) == c for p, (_, c) in pairs]
    assert np.mean(late) > 0.75


def test_a_number_that_only_the_order_tells():
    rng, model = np.random.default_rng(0), SequenceRegressor(**QUICK)
    errors = []
    for _ in range(150):
        X = rng.permutation(np.arange(8.0))
        y = float(X[-1] - X[0])
        errors.append(abs(model.prequential([X], [y])[0] - y))
    assert np.mean(errors[100:]) < 0.3 * np.mean(errors[:20])


@pytest.mark.parametrize("kind", [SequenceClassifier, SequenceRegressor])
@pytest.mark.parametrize(
    "given", [{}, {"network": False}, {"cell": Bidirectional(GRU(4))}], ids=str
)
def test_a_saved_model_goes_on_with_the_same_bits_inside_a_sequence(kind, given):
    model = taught(12, kind, **given)
    for t in range(3):
        model.step({0: float(t), 1: 2.0})
    copies = [loads(dumps(model)), pickle.loads(pickle.dumps(model))]
    for one in [model, *copies]:
        one.step({0: 7.0, 1: 1.0})
        one.made = one.so_far(), one.end("a" if kind is SequenceClassifier else 1.0)
        assert one.made[0] == one.made[1]
        del one.made
    assert all(same(model, one) for one in copies)


def test_a_field_that_appears_late_counts_from_the_next_sequence_on():
    one, other = SequenceClassifier(**QUICK), SequenceClassifier(**QUICK)
    for model in (one, other):
        model.learn_one([{"a": 1.0}, {"a": 2.0}], "x")
    one.learn_one([{"a": 1.0}, {"a": 2.0, "b": 3.0}], "y")
    other.learn_one([{"a": 1.0}, {"a": 2.0}], "y")
    assert one._features.names == ("a", "b")
    assert one.predict_proba_one([{"a": 1.0}]) == pytest.approx(
        other.predict_proba_one([{"a": 1.0}]), abs=1e-6
    )
    one.begin()
    one.step({"b": 1.0, "a": 1.0})
    assert set(one.end("z")) == {"x", "y"}
    assert loads(dumps(one)).predict_proba_one([{"b": 2.0}]) == one.predict_proba_one([{"b": 2.0}])


def test_a_sequence_may_be_an_array_a_frame_or_dicts():
    import pandas as pd

    model = taught()
    X = np.array([[1.0, 2.0], [3.0, 4.0]])
    expected = model.predict_proba_one(X)
    assert model.predict_proba_one([{1: 2.0, 0: 1.0}, {0: 3.0, 1: 4.0}]) == expected
    assert model.predict_proba_one(pd.DataFrame({1: [2.0, 4.0], 0: [1.0, 3.0]})) == expected
    assert model.predict_proba_one(X.tolist()) == expected


@pytest.mark.parametrize(
    ("x", "says"),
    [
        ([], "shape"),
        (np.zeros((0, 2)), "shape"),
        (np.zeros((2, 2, 2)), "shape"),
        ([{0: "red"}], "red"),
        ([{0: 1.0}, 3], "not a dict"),
        (np.array([[np.inf, 1.0]]), "finite"),
    ],
)
def test_what_is_no_sequence_is_refused_and_changes_nothing(x, says):
    model = taught(6)
    with pytest.raises(BadRecord, match=says):
        model.learn_one(x, "a")
    assert same(model, taught(6))
    assert list(model.check([x, np.ones((2, 2))], ["a", "a"])) == [0]


def test_a_sequence_without_a_step_cannot_end():
    with pytest.raises(BadRecord, match="no step"):
        SequenceClassifier(**QUICK).end("a")


def test_without_a_label_nothing_is_learned_of_classes():
    model = SequenceClassifier(**QUICK)
    model.learn_one([1.0, 2.0], None)
    assert model.predict_proba_one([1.0]) == {}
    model.learn_one([1.0, 2.0], "a")
    assert model.predict_proba_one([1.0]) == {"a": 1.0}
    assert model.health()["learned"] == 1


def test_what_cannot_be_meant():
    with pytest.raises(ConfigError, match="reservoir"):
        SequenceClassifier(reservoir=0)
    with pytest.raises(ConfigError, match="point"):
        SequenceRegressor(point="mode")


@pytest.mark.parametrize("kind", [SequenceClassifier, SequenceRegressor])
@pytest.mark.filterwarnings("default")  # river's checks use what pandas will remove
def test_rivers_checks_pass_with_no_skip(kind):
    for given in kind._unit_test_params():
        model = kind(**given)
        assert model._unit_test_skips() == set()
        checks.check_estimator(model)


# Estimators of single records ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "model",
    [
        RecurrentRegressor(GRU(4), target_lags=2, seed=1),
        RecurrentClassifier(GRU(4), seed=1),
        RecurrentRegressor(GRU(4), TBPTT(8, every=3), SGD(0.01), seed=1),
    ],
    ids=["lags", "classes", "gathered"],
)
def test_a_fresh_sequence_knows_nothing_of_the_steps_before(model):
    """Two that have learned the same, and then read other steps, go on alike."""
    names = "ab" if isinstance(model, RecurrentClassifier) else [0.0, 1.0]
    for t in range(30):
        model.step({"x": t % 3}, names[t % 2])
    other = copy.deepcopy(model)
    other.step({"x": 1.0})  # without a target nothing is learned
    other.step({"x": 2.0})
    model.step({"x": 2.0})
    model.step({"x": 1.0})
    assert model.predict_one({"x": 0.5}) != other.predict_one({"x": 0.5}) or names == "ab"
    for one in (model, other):
        one.end()
        one.begin()
    scales = [m._network.state.inputs for m in (model, other)]
    for mine, theirs in zip(*scales, strict=True):  # these alone may differ, and are not the state
        theirs[:] = mine
    made = [
        [m.step({"x": x}, y) for x, y in ((0.5, names[0]), (2.0, names[1]))] for m in (model, other)
    ]
    assert made[0] == made[1]
    assert model.predict_one({"x": 1.0}) == other.predict_one({"x": 1.0})
