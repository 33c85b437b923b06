"""River's view: its own checks, what a record may contain, and what is refused."""

import inspect

import numpy as np
import pandas as pd
import pytest
from helpers import cover, wave
from river import base, checks, compose, datasets, evaluate, metrics, preprocessing

import stream_rnn
from stream_rnn import (
    LSTM,
    TBPTT,
    Adam,
    BadRecord,
    CheckpointError,
    ConfigError,
    Logistic,
    Quantile,
    RecurrentClassifier,
    RecurrentMultiTargetRegressor,
    RecurrentRegressor,
    SequenceClassifier,
    SequenceRegressor,
    Softmax,
    Squared,
    StreamClassifier,
    StreamRegressor,
)

PUBLIC = [getattr(stream_rnn, name) for name in stream_rnn.__all__]
ESTIMATORS = [
    c
    for c in PUBLIC
    if inspect.isclass(c)
    and issubclass(c, base.Estimator)
    and not issubclass(c, base.AnomalyDetector)  # river's check downloads; see test_anomaly.py
    and not issubclass(c, base.Wrapper)  # its records have a key; see test_keys.py
]
MANY_COMPILED = (StreamRegressor, StreamClassifier, SequenceRegressor, SequenceClassifier)
OURS = [RecurrentRegressor, RecurrentMultiTargetRegressor, RecurrentClassifier]


def small(kind, **settings):
    return kind(LSTM(4), seed=1, **settings)


def target(kind, value):
    """*value* as a target of this kind of estimator."""
    if issubclass(kind, RecurrentMultiTargetRegressor):
        return {"a": value, "b": -value}
    return value > 0 if issubclass(kind, RecurrentClassifier) else value


def taught(kind, T=40, **settings):
    """An estimator that has learned T records of two features, and the next record."""
    model = small(kind, **settings)
    X, Y = wave(T + 1)
    rows = [dict(zip("uv", row, strict=True)) for row in X.tolist()]
    model.stream(rows[:-1], [target(kind, float(y)) for y in Y[:-1, 0]])
    return model, rows[-1], target(kind, float(Y[-1, 0]))


def arrays(model):
    return {name: a.tobytes() for name, a in model.snapshot().arrays.items()}


# River's checks ---------------------------------------------------------------------------


def test_the_recurrent_estimators_are_public():
    assert set(OURS) <= set(ESTIMATORS)


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, id=kind.__name__, marks=[pytest.mark.slow] * (kind in MANY_COMPILED))
        for kind in ESTIMATORS
    ],
)
@pytest.mark.filterwarnings("default")  # river's checks use what pandas will remove
def test_rivers_checks_pass_with_no_skip(kind):
    for settings in kind._unit_test_params():
        model = kind(**settings)
        assert model._unit_test_skips() == set()
        checks.check_estimator(model)


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_usable_with_no_arguments(kind):
    model = kind()
    assert not model.predict_one({"x": 1.0})
    assert model.clone()._get_params() == model._get_params()
    assert kind.__name__ in repr(model)


def test_in_a_river_pipeline():
    pipeline = compose.Select("ordinal_date", "gallup") | preprocessing.StandardScaler()
    model = pipeline | small(RecurrentRegressor)
    stream = datasets.TrumpApproval().take(300)
    assert evaluate.progressive_val_score(stream, model, metrics.MAE()).get() < 2


# What a record may contain ------------------------------------------------------------------


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("missing", [None, float("nan"), np.nan])
def test_a_missing_target_advances_and_teaches_nothing(kind, missing):
    model, x, _ = taught(kind)
    theta = model._network.state.theta.copy()
    state = model._network.state.layers[0].s.copy()
    if issubclass(kind, RecurrentMultiTargetRegressor) and missing is not None:
        missing = {"a": missing, "b": None}
    model.learn_one(x, missing)
    assert np.array_equal(model._network.state.theta, theta)
    assert not np.array_equal(model._network.state.layers[0].s, state)


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_a_new_feature_takes_a_new_column_and_changes_no_prediction(kind):
    model, x, y = taught(kind)
    plain, _, _ = taught(kind)
    wide = {"new": 1e6, "a": 3.0, **x}
    expected = plain.predict_one(x)
    assert model.predict_one(wide) == expected
    (fields,) = model.stream([wide], [y])
    assert fields["prediction"] == expected
    assert model._features.names == ("u", "v", "a", "new")
    W = model._network.parameters()[0]
    before = plain._network.parameters()[0]
    assert W.shape[0] == before.shape[0] + 2
    model.learn_one(wide, y)  # now its statistics have seen it
    assert np.isfinite(np.array(list(arrays(model)) and model._network.state.theta)).all()


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_records_without_any_feature(kind):
    model = small(kind)
    for t in range(20):
        model.learn_one({}, target(kind, float(t % 2)))
    assert model._network.inputs == 0
    model.learn_one({"late": 1.0}, target(kind, 1.0))
    assert model._features.names == ("late",)


def test_a_missing_feature_is_its_running_mean():
    model, x, _ = taught(RecurrentRegressor)
    mean = float(model._network.state.inputs.mean[1])
    filled = model.predict_one({**x, "v": mean})
    assert model.predict_one({"u": x["u"]}) == filled
    assert model.predict_one({**x, "v": None}) == filled


def test_a_new_class_takes_a_new_output():
    model, x, _ = taught(RecurrentClassifier)
    before = model.predict_proba_one(x)
    assert set(before) == {True, False}
    model.learn_one(x, "third")
    after = model.predict_proba_one(x)
    assert list(after) == [*before, "third"]
    assert sum(after.values()) == pytest.approx(1)
    for _ in range(60):
        model.learn_one(x, "third")
    assert model.predict_one(x) == "third"


@pytest.mark.parametrize(
    "labels", [(0, 1, 2), ("a", "b", "c"), (True, False, None), (1.5, (2,), b"c")]
)
def test_classes_of_any_hashable_type(labels):
    model = small(RecurrentClassifier)
    for t in range(30):
        model.learn_one({"x": float(t % 3)}, labels[t % 3])
    assert set(model.predict_proba_one({"x": 1.0})) == {c for c in labels if c is not None}


def test_one_class_alone_has_probability_one():
    model = small(RecurrentClassifier)
    model.learn_one({"x": 1.0}, "only")
    assert model.predict_proba_one({"x": 1.0}) == {"only": 1.0}
    assert model.predict_one({"x": 1.0}) == "only"


BOTH = [loss for (loss,) in cover([Softmax(), Logistic()], compiled=1)]


@pytest.mark.parametrize("loss", BOTH, ids=repr)
def test_three_classes_are_told_apart(loss):
    model = small(RecurrentClassifier, loss=loss)
    rng = np.random.default_rng(1)
    for _ in range(400):
        c = int(rng.integers(3))
        model.learn_one({"x": c + 0.1 * rng.normal()}, "abc"[c])
    probabilities = model.predict_proba_one({"x": 1.0})
    assert sum(probabilities.values()) == pytest.approx(1)
    assert max(probabilities, key=probabilities.get) == "b"


def test_probabilities_when_the_network_is_not_finite():
    """The record that finds the damage still gets a distribution; then it is rolled back."""
    model, x, y = taught(RecurrentClassifier)
    model._network.state.theta[:] = np.nan
    probabilities = model.predict_proba_one(x)
    assert probabilities == {True: 0.5, False: 0.5}
    model.learn_one(x, y)
    assert model.health()["nonfinite_rollbacks"] == 1
    assert sum(model.predict_proba_one(x).values()) == pytest.approx(1)


def test_targets_may_come_late_and_be_missing():
    model = small(RecurrentMultiTargetRegressor)
    for t in range(80):
        y = {"a": float(t % 4)} | ({"b": 10.0 * (t % 4)} if t > 20 else {})
        model.learn_one({"x": t % 4}, {"b": None, "a": None} if t % 9 == 5 else y)
    assert list(model.predict_one({"x": 1})) == ["a", "b"]
    assert model.predict_one({"x": 3})["b"] == pytest.approx(30, abs=5)


def test_lags_of_the_target_carry_a_series_without_features():
    model = small(RecurrentRegressor, target_lags=4)
    errors = []
    for t in range(200):
        y = float([0, 1, 3, 2][t % 4])
        errors.append(abs(model.predict_one({}) - y))
        model.learn_one({}, y)
    assert np.mean(errors[-40:]) < 0.05


# What is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("bad", [float("inf"), -np.inf, "one", [1.0]], ids=repr)
def test_a_bad_feature_is_refused_and_nothing_changes(kind, bad):
    model, x, y = taught(kind)
    before = arrays(model)
    with pytest.raises(BadRecord, match="feature 'u'"):
        model.predict_one({**x, "u": bad})
    with pytest.raises(BadRecord, match="feature 'u'"):
        model.learn_one({**x, "u": bad, "new": 1.0}, y)
    with pytest.raises(BadRecord, match="feature 'u'") as caught:
        model.stream([x, x, {**x, "u": bad}, x], [y] * 4)
    assert caught.value.index == 2
    assert arrays(model) == before
    assert model._features.names == ("u", "v")


@pytest.mark.parametrize(
    "bad", [float("inf"), "one", [1.0], 1j, {}, 10**400], ids=lambda b: str(b)[:9]
)
@pytest.mark.parametrize("kind", OURS[:2], ids=lambda kind: kind.__name__)
def test_a_bad_target_is_refused_and_nothing_changes(kind, bad):
    model, x, y = taught(kind)
    before = arrays(model)
    wrong = bad if kind is RecurrentRegressor else {"a": bad, "new": 1.0}
    with pytest.raises(BadRecord, match=r"target.* is not a finite number") as caught:
        model.stream([x, x], [y, wrong])
    assert caught.value.index == 1
    assert arrays(model) == before
    assert model._target_names() in ([], ["a", "b"])


def test_targets_that_are_not_a_dict_are_refused():
    model, x, _ = taught(RecurrentMultiTargetRegressor)
    with pytest.raises(BadRecord, match="not a dict"):
        model.learn_one(x, 3.0)


def test_a_class_that_cannot_be_one_is_refused():
    model, x, y = taught(RecurrentClassifier)
    with pytest.raises(BadRecord, match="cannot be a class") as caught:
        model.stream([x, x], [y, ["list"]])
    assert caught.value.index == 1
    assert set(model.predict_proba_one(x)) == {True, False}


REFUSED = [
    (RecurrentRegressor, {"loss": Softmax()}, "Softmax"),
    (RecurrentClassifier, {"loss": Squared()}, "Squared"),
    (RecurrentRegressor, {"dtype": "float16"}, "float16"),
    (RecurrentRegressor, {"target_lags": -1}, "target_lags: -1"),
    (RecurrentRegressor, {"loss": Quantile(0.5)}, "no likelihood"),
    (RecurrentRegressor, {"cell": Adam()}, "is not a cell"),
    (RecurrentRegressor, {"cell": LSTM(0)}, "at least one unit"),
    (RecurrentRegressor, {"learner": LSTM(4)}, "is not a learner"),
    (RecurrentRegressor, {"learner": TBPTT(4, every=0)}, "every: 0"),
    (RecurrentRegressor, {"learner": TBPTT(4, every=5)}, "window: 4 is shorter than every = 5"),
    (RecurrentRegressor, {"cell": ()}, "at least one cell"),
    (RecurrentRegressor, {"cell": "LSTM"}, "is not a cell"),
]


@pytest.mark.parametrize(("kind", "settings", "message"), REFUSED, ids=str)
def test_settings_that_cannot_work_are_refused_at_construction(kind, settings, message):
    with pytest.raises(ConfigError, match=message):
        kind(**settings)


# Tables -------------------------------------------------------------------------------------


def tables():
    X, Y = wave(30)
    masked = np.ma.array(X, mask=np.zeros_like(X, bool))
    readonly = X.copy()
    readonly.flags.writeable = False
    columns = pd.DataFrame(X, columns=[0, 1])
    return X, Y[:, 0], [np.asfortranarray(X), X[::1], masked, readonly, columns, X.tolist()]


@pytest.mark.parametrize("n", range(6))
def test_any_kind_of_table(n):
    X, y, others = tables()
    expected = small(RecurrentRegressor).prequential(X, y)
    assert np.array_equal(small(RecurrentRegressor).prequential(others[n], list(y)), expected)


def test_masked_values_are_missing():
    X, y, _ = tables()
    mask = np.random.default_rng(1).random(X.shape) < 0.2
    by_table, by_row = small(RecurrentRegressor), small(RecurrentRegressor)
    got = by_table.prequential(np.ma.array(np.where(mask, np.inf, X), mask=mask), y)
    expected = []
    for row, gone, target in zip(X.tolist(), mask, y, strict=True):
        x = {j: v for j, v in enumerate(row) if not gone[j]} | dict.fromkeys(np.flatnonzero(gone))
        expected.append(by_row.predict_one(x))
        by_row.learn_one(x, target)
    assert got.tolist() == expected


def test_data_frames_are_read_by_name():
    X, y, _ = tables()
    frame = pd.DataFrame(X, columns=["u", "v"])
    model, again = small(RecurrentRegressor), small(RecurrentRegressor)
    first = model.prequential(frame, pd.Series(y))
    assert model._features.names == ("u", "v")
    halves = [frame.iloc[:15], frame.iloc[15:][["v", "u"]]]
    second = [again.prequential(f, y[s]) for f, s in zip(halves, (slice(15), slice(15, 30)))]
    assert np.concatenate(second).tolist() == first.tolist()


def test_tables_that_do_not_fit_are_refused():
    X, y, _ = tables()
    model = small(RecurrentRegressor)
    with pytest.raises(ValueError, match="2-D array"):
        model.prequential(X[:, 0], y)
    with pytest.raises(ValueError, match="30 rows, y has 29"):
        model.prequential(X, y[:-1])
    X[7, 1] = np.inf
    with pytest.raises(BadRecord, match=r"X\[7, 1\].*give NaN where a value is missing") as caught:
        model.prequential(X, y)
    assert caught.value.index == 7
    assert model.snapshot().arrays == {}


# Saving -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_an_estimator_before_its_first_record_can_be_saved(kind):
    saved = small(kind).snapshot()
    model = small(kind)
    model.restore(saved)
    fresh = small(kind)
    for each in (model, fresh):
        each.learn_one({"x": 1.0}, target(kind, 2.0))
    assert arrays(model) == arrays(fresh)


def test_a_snapshot_of_another_model_is_refused():
    model, _, _ = taught(RecurrentRegressor)
    saved = model.snapshot()
    others = [
        RecurrentRegressor(LSTM(5), seed=1),
        RecurrentRegressor(LSTM(4), seed=2),
        RecurrentRegressor(LSTM(4), dtype="float64", seed=1),
        small(RecurrentMultiTargetRegressor),
    ]
    for other in others:
        with pytest.raises(CheckpointError, match="the settings of the checkpoint"):
            other.restore(saved)


def test_a_snapshot_with_other_arrays_is_refused():
    model, _, _ = taught(RecurrentRegressor)
    saved = model.snapshot()
    wrong = {**saved.arrays, "theta": saved.arrays["theta"][:-1]}
    with pytest.raises(CheckpointError, match="theta"):
        small(RecurrentRegressor).restore(saved._replace(arrays=wrong))
    lost = {name: a for name, a in saved.arrays.items() if name != "inputs.mean"}
    with pytest.raises(CheckpointError, match=r"inputs\.mean"):
        small(RecurrentRegressor).restore(saved._replace(arrays=lost))


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_health_counts_what_happened(kind):
    assert small(kind).health() == {}
    model, x, _ = taught(kind)
    model.learn_one(x, None)
    health = model.health()
    assert health["records"] == 41
    assert health["learned"] == health["loss_observations"] == 40
    assert health["nonfinite_rollbacks"] == 0
    assert health["loss_sum"] > 0
    assert health["parameter_norm"] > 0
    assert all(type(value) is float for value in health.values())
