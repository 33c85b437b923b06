"""Text in records: what each value adds, indicators, unknown values, checkpoints, bounds."""

import copy

import numpy as np
import pytest

from stream_rnn import (
    LSTM,
    ConfigError,
    Keyed,
    RecurrentClassifier,
    RecurrentForecaster,
    RecurrentMultiTargetRegressor,
    RecurrentRegressor,
    StreamRegressor,
    load,
)
from stream_rnn.categories.columns import Columns
from stream_rnn.categories.effects import FLOOR, Effects, OfClasses
from stream_rnn.categories.seen import FEW
from stream_rnn.categories.values import LONGEST, Slots, Values, text_of
from stream_rnn.errors import BadRecord
from stream_rnn.estimators.delayed import Delayed
from stream_rnn.mixtures.last import Last
from stream_rnn.mixtures.wide import Wide

EFFECTS = np.random.default_rng(3).normal(size=40) * 3


def stream(T):
    """A field of many values, some missing, one of two, and a number that comes late."""
    rng = np.random.default_rng(0)
    xs, ys = [], []
    for t in range(T):
        k, d, u = int(rng.integers(40)), "ab"[int(rng.integers(2))], float(rng.normal())
        x = {"k": f"c{k}" if rng.random() > 0.02 else None, "d": d, "u": u}
        if t > 70:
            x["late"] = float(rng.normal())
        xs.append(x)
        effect = EFFECTS[k] if x["k"] else 0.0
        ys.append(effect + (d == "a") + u + 0.1 * rng.normal() if t % 9 else None)
    return xs, ys


def classes(ys):
    return [
        None if y is None else "up" if y > 1 else "down" if y > -1 or t < 100 else "far"
        for t, y in enumerate(ys)
    ]


def several(ys):
    return [
        None if y is None else {"a": y} | ({"b": 2 * y} if t > 50 else {}) for t, y in enumerate(ys)
    ]


KINDS = {
    "regressor": (lambda: RecurrentRegressor(LSTM(4), seed=1), list),
    "lags": (lambda: RecurrentRegressor(LSTM(4), target_lags=1, seed=1), list),
    "classifier": (lambda: RecurrentClassifier(LSTM(4)), classes),
    "targets": (lambda: RecurrentMultiTargetRegressor(LSTM(4)), several),
    "mixture": (lambda: StreamRegressor((Wide(), Last())), list),
    "forecaster": (RecurrentForecaster, list),
    "weights": (lambda: Keyed(RecurrentRegressor(LSTM(4)), "d", "weights"), list),
    "models": (lambda: Keyed(RecurrentRegressor(LSTM(4)), "d", "nothing", 1), list),
}


@pytest.mark.parametrize("kind", KINDS)
def test_batches_and_restarts_change_no_bit(kind):
    make, targets = KINDS[kind]
    xs, ys = stream(250)
    ys = targets(ys)
    whole = make().stream(xs, ys)
    model, parts, at = make(), [], 0
    for size in (1, 3, 40, 1, 100, 7, 98):
        parts += model.stream(xs[at : at + size], ys[at : at + size])
        at += size
        snapshot, model = model.snapshot(), make()
        model.restore(snapshot)
    assert parts == whole


@pytest.mark.parametrize("kind", ["regressor", "classifier"])
def test_what_is_predicted_is_what_is_learned_from(kind):
    make, targets = KINDS[kind]
    xs, ys = stream(150)
    ys = targets(ys)
    rows, model = make().stream(xs, ys), make()
    for x, y, row in zip(xs, ys, rows, strict=True):
        p = model.predict_one(x)
        assert p == row["prediction"]
        model.learn_one(x, y)


def test_text_tells_and_a_copy_knows_the_same(tmp_path):
    xs, ys = stream(600)
    known = [(x, y) for x, y in zip(xs, ys, strict=True) if y is not None]
    errors = {}
    for name in ("with", "without"):
        rule = None if name == "with" else {"k": "leave", "d": "leave"}
        model = RecurrentRegressor(LSTM(4), categorical=rule)
        made = model.stream([x for x, _ in known], [y for _, y in known])
        errors[name] = np.mean([abs(p["prediction"] - y) for p, (_, y) in zip(made, known)][300:])
        model.save(tmp_path / "model")
        for again in (copy.deepcopy(model), load(tmp_path / "model")):
            assert again.predict_one(xs[0]) == model.predict_one(xs[0])
    assert errors["with"] < 0.35 * errors["without"]


def naive(slots, numbers, ys):
    """Equations (1) to (3) for classes, with dicts."""
    w, v, spread, slope = {}, {}, np.full(numbers.shape[1] + 1, 0.1), np.zeros(numbers.shape[1] + 1)
    spread[-1] = 1.0
    out = []
    for t, (row, x, y) in enumerate(zip(slots, numbers, ys, strict=True)):
        for i, s in enumerate(row):
            if s not in v:
                mine = [w[r] ** 2 + v[r] for r in v if r // 100 == i]
                v[s], w[s] = (1 + sum(mine)) / (1 + len(mine)), 0.0
        mean = numbers[:t].mean(0) if t else 0 * x
        deviation = numbers[:t].std(0) if t > 1 else 0 * x
        z = np.append(
            np.where(deviation > 0, (x - mean) / np.where(deviation > 0, deviation, 1), 0), 1
        )
        out.append([w[s] for s in row])
        f = sum(w[s] for s in row) + slope @ z
        a = sum(v[s] for s in row) + spread @ z**2
        p = 1 / (1 + np.exp(-f / np.sqrt(1 + np.pi / 8 * a)))
        c = p * (1 - p)
        step, shrink = (y - p) / (1 + c * a), c / (1 + c * a)
        for i, s in enumerate(row):
            mine = [w[r] ** 2 + v[r] for r in v if r // 100 == i]
            others = sum(mine) - w[s] ** 2 - v[s]
            w[s] += v[s] * step
            lowest = FLOOR * (1 + others) / (1 + len(mine) - 1)
            v[s] = max(v[s] - v[s] ** 2 * shrink, lowest)
        slope += spread * z * step
        spread = np.maximum(spread - (spread * z) ** 2 * shrink, 1e-4)
    return np.array(out)


def test_effects_are_those_of_the_equations():
    rng = np.random.default_rng(5)
    T = 120
    values = np.stack([rng.integers(6, size=T), 100 + rng.integers(3, size=T)], 1)
    numbers = rng.normal(size=(T, 2))
    ys = (rng.random(T) < 0.5).astype(float)
    places = {s: n for n, s in enumerate(dict.fromkeys(values.ravel().tolist()))}
    slots = np.vectorize(places.get)(values)
    effects, out = Effects(OfClasses(), 1), np.empty((T, 2))
    effects.fit(len(places), 2, 1)
    effects.learn(slots, np.zeros((T, 2), bool), numbers, ys[:, None], out)
    assert out == pytest.approx(naive(values, numbers, ys), abs=1e-9)


def test_memory_is_bounded_and_what_was_met_last_is_kept():
    slots, values = Slots(), Values(100)
    for n in range(5000):
        values.meet(f"v{n}", slots)
        values.meet("often", slots)
    assert len(values) <= 200
    assert slots.used <= 201
    assert values.find("often") >= 0
    assert values.find("v0") == -1
    assert len(text_of("x" * 10_000)) < 2 * LONGEST
    assert text_of("x" * 10_000) != text_of("x" * 10_001)


def test_indicators_are_of_few_values_and_an_unknown_value_has_none():
    columns = Columns()
    xs = [{"few": f"f{n % 3}", "many": f"m{n % 50}"} for n in range(60)]
    X, widths = columns.encode(xs, [1] * 60)
    columns.learn(X, np.arange(60.0)[:, None])
    columns.extend(widths[-1])
    assert set(columns.names) == {"few:effect", "many:effect", "few=f0", "few=f1", "few=f2"}
    row = dict(zip(columns.names, columns.row({"few": "other", "many": None})[0].tolist()))
    assert [row[f"few=f{n}"] for n in range(3)] == [0.0, 0.0, 0.0]
    assert row["few:effect"] == 0.0
    assert np.isnan(row["many:effect"])
    assert FEW == 8


def test_rules_overrule():
    rules = {"zip": "indicators", "id": "hash", "note": "leave", "n": "statistics"}
    columns = Columns(categorical=rules)
    X, widths = columns.encode([{"zip": 1010, "id": "a", "note": "x", "n": 7}], [1])
    columns.learn(X, np.array([[1.0]]))
    columns.extend(widths[-1])
    assert sorted(columns.names)[:3] == ["id#0", "id#1", "id#10"]
    assert {"zip=1010", "n:effect"} < set(columns.names)
    assert not any("note" in name for name in columns.names)
    with pytest.raises(ConfigError, match="did you mean 'statistics'"):
        Columns(categorical={"a": "statistic"})


def test_text_where_there_were_numbers_is_refused_with_the_setting_that_takes_it():
    model = RecurrentRegressor(LSTM(4))
    model.learn_one({"u": 1.0}, 1.0)
    with pytest.raises(BadRecord, match=r'features.categorical = \{u = "statistics"\}'):
        model.learn_one({"u": "broken"}, 1.0)


def test_a_field_that_was_empty_first_may_be_text():
    model = RecurrentRegressor(LSTM(4))
    model.stream([{"u": 1.0, "k": None}, {"u": 2.0, "k": None}], [1.0, 2.0])
    model.stream([{"u": 1.0, "k": "a"}, {"u": 2.0, "k": "b"}], [1.0, 2.0])
    assert {"k", "k:effect"} < set(model._features.names)


def test_targets_that_come_later_teach_what_text_means():
    model = Delayed(*(RecurrentRegressor(LSTM(4), seed=1) for _ in range(2)))
    xs, ys = stream(400)
    ys = [0.0 if y is None else y for y in ys]
    errors = []
    for t, x in enumerate(xs):
        [row] = model.stream([x], [None])
        errors.append(abs(row["prediction"] - ys[t]))
        if t >= 5:
            model.learn([xs[t - 5]], [ys[t - 5]])
    assert np.mean(errors[300:]) < 0.6 * np.mean(errors[:40])


@pytest.mark.parametrize("delay", [0, 7])
def test_late_classes_keep_their_columns(delay):
    """A class shows later where it is learned late: the columns' order is that of the learner."""
    late, live = (RecurrentClassifier(LSTM(4), seed=1) for _ in range(2))
    model, plain = Delayed(late, live), RecurrentClassifier(LSTM(4), seed=1)
    xs, ys = stream(300)
    ys = classes(ys)
    apart = []
    for t, x in enumerate(xs):
        made = plain.predict_proba_one(x)
        [row] = model.stream([x], [None])
        if t > 200 and delay == 0:
            told = row["probabilities"]
            apart.append(max(abs(told.get(name, 0.0) - p) for name, p in made.items()))
        assert live._features.names[: len(late._features.names)] == late._features.names
        if t >= delay:
            model.learn([xs[t - delay]], [ys[t - delay]])
        plain.stream([x], [ys[t]])
    assert late._features.names == plain._features.names[: len(late._features.names)]
    if delay == 0:
        assert max(apart) < 0.1
