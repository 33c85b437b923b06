"""StreamRegressor and StreamClassifier: what holds for every estimator holds for them."""

import pickle

import numpy as np
import pytest
from river import checks, linear_model, preprocessing

from stream_rnn import (
    BadRecord,
    CheckpointError,
    ConfigError,
    FeedForward,
    Keyed,
    StreamClassifier,
    StreamRegressor,
    state_dict,
)
from stream_rnn.estimators.delayed import Delayed
from stream_rnn.mixtures import idle
from stream_rnn.mixtures.base import Numbers
from stream_rnn.mixtures.forest import Forest
from stream_rnn.mixtures.last import Last
from stream_rnn.mixtures.neighbours import Neighbours
from stream_rnn.mixtures.network import Network
from stream_rnn.mixtures.outside import Given, River
from stream_rnn.mixtures.part import part
from stream_rnn.mixtures.wide import Wide
from stream_rnn.specs import estimator

#: Small members of every kind: the forest is planted anew within a test.
SMALL = (
    Network(FeedForward(4), last_target=True),
    Forest(trees=3, nodes=64),
    Neighbours(window=40, nearest=3),
    Last(),
    Wide(most=24),
)
KINDS = (StreamRegressor, StreamClassifier)
T = 150


def small(kind, **settings):
    return kind(SMALL, **settings)


def records(kind, T=T, seed=0):
    """Features and targets; some of each are missing, and a third feature and class come later."""
    rng = np.random.default_rng(seed)
    xs, ys = [], []
    for t in range(T):
        x = {"u": float(rng.normal()), "v": None if rng.random() < 0.1 else float(rng.normal())}
        if t >= T // 2:
            x["w"] = float(rng.normal())
        y = x["u"] + 0.5 * (x["v"] or 0.0) ** 2
        if kind is StreamClassifier:
            y = "high" if y > 0.5 else "low" if t < T // 3 or y > -0.5 else "deep"
        xs.append(x)
        ys.append(None if rng.random() < 0.1 else y)
    return xs, ys


def same(one, other) -> bool:
    a, b = one.snapshot(), other.snapshot()
    return (
        a.meta == b.meta
        and a.arrays.keys() == b.arrays.keys()
        and all(
            np.array_equal(a.arrays[n], b.arrays[n], equal_nan=a.arrays[n].dtype.kind == "f")
            for n in a.arrays
        )
    )


@pytest.mark.parametrize("kind", KINDS)
def test_one_at_a_time_is_the_same_as_in_chunks_to_the_bit(kind):
    xs, ys = records(kind)
    single, chunks = small(kind), small(kind)
    method = "predict_one" if kind is StreamRegressor else "predict_proba_one"
    field = "prediction" if kind is StreamRegressor else "probabilities"
    made = []
    for x, y in zip(xs, ys):
        made.append(getattr(single, method)(x))
        single.learn_one(x, y)
    rows = [
        row
        for start, end in ((0, 1), (1, 60), (60, 61), (61, T))
        for row in chunks.stream(xs[start:end], ys[start:end])
    ]
    assert made == [row[field] for row in rows]
    assert same(single, chunks)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cut", [0, 3, 70, 120])
def test_a_restored_one_goes_on_to_the_bit(kind, cut):
    xs, ys = records(kind)
    whole, first, second = small(kind), small(kind), small(kind)
    expected = whole.stream(xs, ys)
    first.stream(xs[:cut], ys[:cut]) if cut else None
    second.restore(first.snapshot())
    assert second.stream(xs[cut:], ys[cut:]) == expected[cut:]
    assert same(second, whole)
    again = pickle.loads(pickle.dumps(whole))
    assert same(again, whole)


@pytest.fixture
def soon_idle(monkeypatch):
    """Members are looked at every 16 records, and idle if they count less than a tenth twice."""
    for name, value in {"REVIEW": 16, "CALM": 2, "BEGINNING": 0, "LEAST": 0.1}.items():
        monkeypatch.setattr(idle, name, value)


@pytest.mark.parametrize("kind", KINDS)
def test_idle_members_are_so_however_the_records_are_cut(kind, soon_idle):
    xs, ys = records(kind)
    whole, single, restored = small(kind), small(kind), small(kind)
    expected = whole.stream(xs, ys)
    idle_then = whole._mixture.idle.calm >= idle.CALM
    assert 0 < idle_then.sum() < len(SMALL)
    assert [single.stream([x], [y])[0] for x, y in zip(xs, ys)] == expected
    assert same(single, whole)
    whole_again = small(kind)
    whole_again.stream(xs[:130], ys[:130])
    restored.restore(whole_again.snapshot())
    assert restored.stream(xs[130:], ys[130:]) == expected[130:]
    assert same(restored, whole)


def evidence_after(scales, y):
    """s of mixtures/past.py, for a target that the statistics do not know yet."""
    _, mean, variance, s = scales.past.then
    d, then = (y - scales.target.mean[0]) ** 2 / scales.target.variance[0], (y - mean) ** 2
    odds = np.log(scales.target.variance[0] / variance) / 2 + np.log1p(d)
    return max(0.0, s + np.clip(odds - np.log1p(then / variance), -5, 5) - 0.25)


def test_a_return_to_the_former_level_is_the_same_however_the_records_are_cut():
    xs, ys = records(StreamRegressor)
    ys[100:125] = [None if y is None else 1000 + y for y in ys[100:125]]
    whole, single, restored = (small(StreamRegressor) for _ in range(3))
    expected = whole.stream(xs, ys)
    made, ages = [], []
    for x, y in zip(xs, ys):
        mixture = single._mixture
        past = mixture.scales.past if mixture else None
        compared = past is not None and past.counts[0] > 0 and y is not None
        told = evidence_after(mixture.scales, y) if compared else None
        made += single.stream([x], [y])
        assert told is None or past.then[3] == pytest.approx(told)
        ages.append(0 if past is None else int(past.counts[0]))
        assert past is None or (past.counts[0] > 0) == (mixture._former != {})
    assert made == expected
    assert same(single, whole)
    assert 104 <= np.flatnonzero(ages)[0] < 110
    assert 125 <= np.flatnonzero(ages)[-1] < 130
    assert whole.health()["returns"] >= 1
    first = small(StreamRegressor)
    first.stream(xs[:115], ys[:115])
    restored.restore(first.snapshot())
    assert restored.stream(xs[115:], ys[115:]) == expected[115:]
    assert same(restored, whole)


def test_a_member_is_idle_after_many_reviews_without_weight_until_it_has_some():
    state = idle.Idle(np.zeros(2, np.int64))
    weights, y = np.array([0.999, 0.001]), np.arange(6.0)
    for count in range(0, idle.BEGINNING + idle.CALM * idle.REVIEW, idle.REVIEW):
        idle.review(state, weights, count)
        assert idle.sampled(state, 1, y, count) is y
    idle.review(state, weights, count + 1)  # not the time
    idle.review(state, weights, count + idle.REVIEW)
    assert idle.sampled(state, 0, y, count) is y
    learned = idle.sampled(state, 1, y, 3)
    assert np.array_equal(learned, [np.nan, 1, np.nan, np.nan, np.nan, 5], equal_nan=True)
    idle.review(state, np.array([0.99, 0.01]), count + 2 * idle.REVIEW)
    assert idle.sampled(state, 1, y, 3) is y


def test_what_an_idle_network_knows_of_the_last_target_is_not_sampled():
    rng = np.random.default_rng(0)
    X, y, units = rng.normal(size=(30, 2)), rng.normal(size=30), np.tile([0.0, 1.0], (30, 1))
    network = part(SMALL[0], Numbers(), 2, 1, 0)
    network.prequential(X, X.astype(np.float32), units, y)
    before = {n: a.copy() for n, a in network.arrays().items() if n.endswith("theta")}
    network.prequential(X, X.astype(np.float32), units, y, np.full(30, np.nan))
    assert before
    assert all(np.array_equal(network.arrays()[n], a) for n, a in before.items())
    assert network.lags.past == y[-1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_prediction_changes_nothing(kind):
    xs, ys = records(kind)
    model, other = small(kind), small(kind)
    model.stream(xs, ys)
    other.stream(xs, ys)
    for x in xs[:5]:
        model.predict_one(x)
    assert same(model, other)


@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_record_changes_nothing(kind):
    xs, ys = records(kind)
    model, other = small(kind), small(kind)
    model.stream(xs[:50], ys[:50])
    other.stream(xs[:50], ys[:50])
    with pytest.raises(BadRecord) as caught:
        model.stream([*xs[50:53], {"u": "text"}], [*ys[50:53], ys[50]])
    assert caught.value.index == 3
    assert same(model, other)


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_is_the_same_as_dicts(kind):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(60, 3))
    y = X[:, 0] * X[:, 1] if kind is StreamRegressor else (X[:, 0] > 0).astype(int)
    table, dicts = small(kind), small(kind)
    made = table.prequential(X, y)
    rows = dicts.stream([dict(enumerate(r)) for r in X.tolist()], y.tolist())
    field = "prediction" if kind is StreamRegressor else "probabilities"
    assert list(made) == [row[field] for row in rows]


def test_probabilities_are_a_distribution_over_the_classes_so_far():
    xs, ys = records(StreamClassifier)
    model, seen = small(StreamClassifier), set()
    for x, y in zip(xs, ys):
        p = model.predict_proba_one(x)
        assert set(p) == seen
        assert not p or sum(p.values()) == pytest.approx(1.0)
        assert all(0 <= q <= 1 for q in p.values())
        model.learn_one(x, y)
        seen |= {y} - {None}
    assert seen == {"high", "low", "deep"}


def test_members_are_weighed_by_what_they_predict():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(400, 2))
    model = StreamRegressor((Last(), Wide()))
    model.prequential(X, X[:, 0] * X[:, 1])
    weights = model.member_weights()
    assert list(weights) == ["last", "wide"]
    assert weights["wide"] > 0.9
    assert sum(weights.values()) == pytest.approx(1.0)


def test_the_first_target_counts():
    """What the second record is predicted to be is near the first target, whatever its size."""
    model = small(StreamRegressor)
    model.learn_one({"x": 1.0}, 4e4)
    assert model.predict_one({"x": 1.0}) == pytest.approx(4e4, rel=0.05)


def test_an_outside_forecast_is_weighed_like_any_member():
    rng = np.random.default_rng(2)
    xs = [{"u": float(u), "vendor": float(u**3)} for u in rng.normal(size=300)]
    ys = [x["vendor"] + 0.01 for x in xs]
    xs[10]["vendor"] = None
    model = StreamRegressor((*SMALL[1:], Given("vendor")))
    errors = [abs(r["prediction"] - y) for r, y in zip(model.stream(xs, ys), ys)]
    assert np.mean(errors[-100:]) < 0.1
    assert model.member_weights()["given_vendor"] > 0.9
    assert list(model._features.names) == ["u"]
    with pytest.raises(BadRecord, match="forecast 'vendor'"):
        model.stream([{"u": 1.0, "vendor": "much"}], [1.0])


@pytest.mark.parametrize("form", ["class", "probabilities"])
def test_an_outside_class_is_weighed_like_any_member(form):
    rng = np.random.default_rng(2)
    ys = rng.choice(["a", "b", "c"], 300).tolist()
    given = [y if form == "class" else {y: 0.8, "a": 0.2} for y in ys]
    xs = [{"u": float(rng.normal()), "vendor": g} for g in given]
    model = StreamClassifier((*SMALL[1:], Given("vendor")))
    rows = model.stream(xs, ys)
    assert np.mean([r["prediction"] == y for r, y in zip(rows, ys)][-200:]) > 0.98


def test_a_model_of_river_is_a_member():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(300, 2))
    linear = preprocessing.StandardScaler() | linear_model.LinearRegression()
    model = StreamRegressor((Last(), River(linear)))
    made = model.prequential(X, X @ [1.0, 2.0])
    assert abs(made - X @ [1.0, 2.0])[-100:].mean() < 0.2
    with pytest.raises(CheckpointError, match="River"):
        model.snapshot()


WRONG = [
    ({"members": ()}, "none"),
    ({"members": (3,)}, "not a member"),
    ({"members": (Network(Last()),)}, "cell"),
    ({"members": (Given(3),)}, "name of a field"),
    ({"members": (River(3),)}, "model of river"),
    ({"members": (Last(),), "weights": (1.0, 2.0)}, "give 1 numbers"),
    ({"members": (Last(),), "weights": (-1.0,)}, "above 0"),
]


@pytest.mark.parametrize(("settings", "message"), WRONG)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        StreamRegressor(**settings)


def test_a_point_is_mean_or_median():
    with pytest.raises(ConfigError, match="point"):
        StreamRegressor(point="mode")


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_among_them_is_reached_by_its_name(kind):
    """`state_dict` takes it, where PyTorch has such a cell."""
    model = small(kind)
    with pytest.raises(ConfigError, match="nothing before a record"):
        model.network("feedforward")
    model.stream(*records(kind, 40))
    assert model.network("feedforward") is model._mixture.members[0].network
    with pytest.raises(ConfigError, match="no counterpart in PyTorch"):
        state_dict(model.network("feedforward"))
    with pytest.raises(ConfigError, match=r"state_dict: a mixture.* feedforward"):
        state_dict(model)
    with pytest.raises(ConfigError, match="'forest'; choose of feedforward"):
        model.network("forest")


def test_a_checkpoint_of_other_members_is_refused():
    model = StreamRegressor((Last(),))
    model.learn_one({"u": 1.0}, 1.0)
    with pytest.raises(CheckpointError):
        StreamRegressor((Wide(),)).restore(model.snapshot())


def test_a_configuration_names_the_members():
    table = {
        "type": "stream-regressor",
        "members": ["Last", {"type": "Network", "cell": {"type": "GRU", "units": 4}}],
        "weights": [1, 2],
    }
    model = estimator(table)
    assert [type(spec).__name__ for spec in model.members] == ["Last", "Network"]
    assert model.members[1].cell.units == 4
    with pytest.raises(ConfigError, match="members"):
        estimator({"type": "stream-regressor", "members": ["Lst"]})


def test_every_key_may_have_its_own():
    model = Keyed(StreamRegressor((Last(), Wide())), key="k", share="nothing")
    for t in range(40):
        model.learn_one({"k": t % 2, "u": t}, float(t % 2))
    assert model.predict_one({"k": 1, "u": 40}) == pytest.approx(1.0, abs=0.05)
    other = Keyed(StreamRegressor((Last(), Wide())), key="k", share="nothing")
    other.restore(model.snapshot())
    assert other.predict_one({"k": 0, "u": 3}) == model.predict_one({"k": 0, "u": 3})


@pytest.mark.parametrize("kind", KINDS)
def test_health_counts(kind):
    xs, ys = records(kind)
    model = small(kind)
    assert model.health() == {}
    model.stream(xs, ys)
    health = model.health()
    assert health["records"] == T - (kind is StreamClassifier and ys[0] is None)
    assert health["learned"] == sum(y is not None for y in ys)
    assert health["loss_sum"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_rivers_checks(kind):
    model = small(kind)
    for check in checks.yield_checks(model):
        if check.__name__ not in model._unit_test_skips():
            check(model)


# Targets that come later --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_with_late_targets_it_predicts_by_all_that_is_known(kind):
    without_state = tuple(m for m in SMALL if not isinstance(m, Network | Last))
    late = [kind(without_state) for _ in range(3)]
    model, twin, behind = Delayed(*late[:2]), late[2], 7
    xs, ys = records(kind)
    for t, x in enumerate(xs):
        [row] = model.stream([x], [None])
        if t >= behind:
            if not T // 2 <= t <= T // 2 + behind:  # it has met a feature that the twin has not
                assert row["prediction"] == twin.predict_one(x)
            model.learn([xs[t - behind]], [ys[t - behind]])
            twin.learn_one(xs[t - behind], ys[t - behind])


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_among_them_keeps_its_hidden_state(kind):
    members = (Network(FeedForward(4)), Wide(most=24))
    model, (xs, ys) = Delayed(kind(members), kind(members)), records(kind)
    for start in range(0, T, 10):
        model.stream(xs[start : start + 10], [None] * 10)
        if start >= 20:
            model.learn(xs[start - 20 : start - 10], ys[start - 20 : start - 10])
    again = Delayed(kind(members), kind(members))
    again.restore(model.snapshot())
    assert again.stream(xs[:9], [None] * 9) == model.stream(xs[:9], [None] * 9)


def test_members_that_know_the_last_target_are_refused_where_it_comes_late():
    blind = StreamRegressor(seed=3).without_last_target()
    assert blind.members[0] == Network()
    assert "last" not in blind._labels
    assert blind.seed == 3
    weighted = StreamRegressor((Wide(), Last()), weights=(2.0, 1.0))
    with pytest.raises(ConfigError, match="last predicts from the last target"):
        weighted.without_last_target()
