"""Many keys: a context each, whatever is in memory; the same bits as networks of their own."""

import pickle
import random

import numpy as np
import pandas as pd
import pytest
from average import Linear
from hypothesis import given, settings
from hypothesis import strategies as st
from river import evaluate, metrics

from stream_rnn import (
    LSTM,
    RTRL,
    SGD,
    TBPTT,
    UORO,
    Adam,
    BadRecord,
    CheckpointError,
    ConfigError,
    Dropout,
    Elman,
    Keyed,
    RecurrentClassifier,
    RecurrentForecaster,
    RecurrentMultiTargetRegressor,
    RecurrentRegressor,
    SnAp1,
)
from stream_rnn.keys.key import MissingKey

pytestmark = pytest.mark.usefixtures("interpreted")

KEYS = ["north", "south", 17, -1, b"\xff"]
SHARES = ["weights", "nothing"]


def regressor(**changes):
    cell = changes.pop("cell", Elman(3))
    learner, optimizer = changes.pop("learner", SnAp1()), changes.pop("optimizer", Adam(0.02))
    return RecurrentRegressor(cell, learner, optimizer, seed=1, **changes)


def records(T, keys=5, seed=0, grow=False):
    """(x, y) of interleaved keys; with *grow* a further feature appears now and then."""
    rng = random.Random(seed)
    pairs = []
    for t in range(T):
        x = {"id": KEYS[rng.randrange(keys)], "u": rng.gauss(0, 1), "v": rng.gauss(1, 2)}
        if grow and t > T // 3 and rng.random() < 0.5:
            x["w"] = rng.gauss(0, 1)
        if grow and t > T // 2 and rng.random() < 0.3:
            x["a"] = rng.gauss(0, 1)
        pairs.append((x, None if rng.random() < 0.1 else rng.gauss(0, 1) + x["u"]))
    return pairs


def without_key(x):
    return {name: value for name, value in x.items() if name != "id"}


def run(model, pairs, sizes=(1000,)):
    """Outputs of `stream` in batches of *sizes*, again and again."""
    outputs, start, n = [], 0, 0
    while start < len(pairs):
        part = pairs[start : start + sizes[n % len(sizes)]]
        outputs += model.stream([x for x, _ in part], [y for _, y in part])
        start, n = start + len(part), n + 1
    return outputs


def state(model):
    """All of the state by key: contexts brought to the present width, and what is shared."""
    shared = model.snapshot_shared()
    known = sorted(model.contexts, key=repr)
    contexts = {}
    for key in known:
        entry = model.contexts.find(key)
        contexts[key] = model._parts.pack(entry.state) if entry.state is not None else None
    return {k: a.tobytes() for k, a in shared.arrays.items()}, shared.meta, contexts


# -- what a key's context is -----------------------------------------------------------------

FROZEN = [
    (Elman(3), SnAp1()),
    (LSTM(2), RTRL()),
    (LSTM(2), TBPTT(window=4, every=3)),
    (Elman(3), UORO(seed=5)),
    (Dropout(LSTM(2), rate=0.3), SnAp1()),
    ((Elman(2), LSTM(2)), SnAp1()),
]


@pytest.mark.parametrize(("cell", "learner"), FROZEN, ids=repr)
def test_with_frozen_weights_keys_are_networks_of_their_own(cell, learner):
    """Predictions, hidden states, traces and gathered gradients."""
    parts = {"cell": cell, "learner": learner, "optimizer": SGD(0.0), "scale": False}
    pairs = records(60)
    keyed = Keyed(regressor(**parts), "id", max_contexts=3)
    outputs = run(keyed, pairs, (7,))
    for key in KEYS:
        alone = regressor(**parts)
        mine = [(without_key(x), y) for x, y in pairs if x["id"] == key]
        expected = alone.stream(*map(list, zip(*mine, strict=True)))
        got = [output for (x, _), output in zip(pairs, outputs, strict=True) if x["id"] == key]
        # Only the very first record meets a network that does not exist yet.
        assert got[1:] == expected[1:]
        slot = keyed.contexts.find(key).state
        words = keyed._parts.pool[slot]
        assert words.tobytes() == alone._network.context.tobytes()


def test_shared_weights_are_trained_by_all_keys_in_turn():
    """The naive twin: one network, whose layers' arrays are exchanged by name at each record."""
    pairs = records(80)
    keyed = Keyed(regressor(), "id", max_contexts=2)
    outputs = run(keyed, pairs, (9,))
    naive, kept, expected = regressor(), {}, []
    for x, y in pairs:
        network = naive._network
        if network is not None:
            for name, array in network.arrays().items():
                if name.startswith("layers"):
                    array[...] = kept.get((x["id"], name), 0)
        expected += naive.stream([without_key(x)], [y])
        for name, array in naive._network.arrays().items():
            kept[x["id"], name] = array.copy()
    assert outputs == expected
    assert (keyed.estimator._network.state.theta == naive._network.state.theta).all()


def test_sharing_nothing_is_a_model_for_every_key():
    pairs = records(120, grow=True)
    keyed = Keyed(regressor(target_lags=1), "id", share="nothing", max_contexts=2)
    outputs = run(keyed, pairs, (11, 3))
    for key in KEYS:
        alone = regressor(target_lags=1)
        mine = [(without_key(x), y) for x, y in pairs if x["id"] == key]
        expected = [alone.stream([x], [y])[0] for x, y in mine]
        got = [output for (x, _), output in zip(pairs, outputs, strict=True) if x["id"] == key]
        assert got == expected
        ours, theirs = keyed.contexts.find(key).state.snapshot(), alone.snapshot()
        assert ours.meta == theirs.meta
        assert {k: a.tobytes() for k, a in ours.arrays.items()} == {
            k: a.tobytes() for k, a in theirs.arrays.items()
        }


def test_any_estimator_can_share_nothing():
    """Also one whose records cannot be checked beforehand, and that is not river's."""
    pairs = [(x, y or 0.0) for x, y in records(60)]
    keyed = Keyed(Linear(), "id", share="nothing", max_contexts=2)
    outputs = run(keyed, pairs, (10,))
    models = {key: Linear() for key in KEYS}
    assert outputs == [models[x["id"]].stream([without_key(x)], [y])[0] for x, y in pairs]


# -- where a context is makes no difference --------------------------------------------------

KINDS = {
    "weights": lambda: regressor(),
    "lags": lambda: regressor(target_lags=2),
    "gathered": lambda: regressor(learner=TBPTT(3, every=2), cell=LSTM(2)),
    "nothing": lambda: regressor(target_lags=1),
    "fallback": lambda: Linear(),
}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=12)
@given(
    limit=st.integers(1, 5),
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=4),
    seed=st.integers(0, 3),
    cut=st.integers(0, 50),
)
def test_eviction_changes_no_bit(kind, limit, sizes, seed, cut):
    """Any max_contexts, any batches, a restore anywhere: as with all keys in memory."""
    share = "nothing" if kind in ("nothing", "fallback") else "weights"
    pairs = records(50, seed=seed, grow=True)
    if kind == "fallback":
        pairs = [(x, y or 0.0) for x, y in pairs]
    unbounded = Keyed(KINDS[kind](), "id", share, 100)
    expected = run(unbounded, pairs, (1,))
    model = Keyed(KINDS[kind](), "id", share, limit)
    outputs = run(model, pairs[:cut], sizes)
    again = Keyed(KINDS[kind](), "id", share, limit)
    again.restore(model.snapshot())
    outputs += run(again, pairs[cut:], sizes)
    assert outputs == expected
    assert len(again.contexts) == len(unbounded.contexts) == len({x["id"] for x, _ in pairs})
    assert len(again.contexts.live) <= limit
    unbounded.contexts.shelve()  # both have been in a file
    assert state(again) == state(unbounded)


@pytest.mark.parametrize("share", SHARES)
def test_one_at_a_time_and_in_chunks(share):
    pairs = records(60, grow=True)
    chunks, single = (Keyed(regressor(), "id", share, 3) for _ in range(2))
    expected = run(chunks, pairs)
    predictions = []
    for x, y in pairs:
        predictions.append({"prediction": single.predict_one(x)})
        single.predict_one({"id": "never seen", "u": 1.0})  # which changes nothing
        single.learn_one(x, y)
    assert predictions == expected
    assert state(single) == state(chunks)


def test_prequential_takes_tables():
    pairs = [(x, y or 0.0) for x, y in records(40, keys=2)]
    table = pd.DataFrame([x for x, _ in pairs])
    y = np.array([y for _, y in pairs])
    by_frame, by_array, rows = (Keyed(regressor(), "id") for _ in range(3))
    expected = np.array([output["prediction"] for output in run(rows, pairs)])
    assert (by_frame.prequential(table, y) == expected).all()
    features = table[["u", "v"]].to_numpy()
    assert (by_array.prequential(features, y, table["id"].tolist()) == expected).all()
    with pytest.raises(ValueError, match="keys: say whose"):
        by_array.prequential(features, y)
    with pytest.raises(ValueError, match="keys: 3 for 40 rows"):
        by_array.prequential(features, y, ["a"] * 3)


@pytest.mark.parametrize("share", SHARES)
def test_classes_and_targets_appear_at_any_time(share):
    pairs = records(60)
    few, many = (
        Keyed(RecurrentClassifier(Elman(3), SnAp1(), seed=1), "id", share, limit)
        for limit in (2, 50)
    )
    named = [(x, "abc"[min(2, t // 20)] if y else None) for t, (x, y) in enumerate(pairs)]
    assert run(few, named, (7,)) == run(many, named, (1,))
    assert few.predict_proba_one(named[-1][0]) == many.predict_proba_one(named[-1][0])
    few, many = (
        Keyed(RecurrentMultiTargetRegressor(Elman(3), SnAp1(), seed=1), "id", share, limit)
        for limit in (2, 50)
    )
    several = [(x, {"p": y, "q": 1.0} if t > 30 else {"p": y}) for t, (x, y) in enumerate(pairs)]
    assert run(few, several, (7,)) == run(many, several, (1,))


def test_a_network_that_diverges_goes_back_for_the_key_it_did_so_for():
    few, many = (Keyed(regressor(optimizer=SGD(1e30)), "id", "weights", n) for n in (1, 50))
    pairs = records(60)
    with np.errstate(all="ignore"):
        assert run(few, pairs, (8,)) == run(many, pairs, (1,))
    assert few.health()["nonfinite_rollbacks"] == many.health()["nonfinite_rollbacks"] > 0


# -- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", [None, float("nan"), True, [1], 2.5, {}, 2**64, 1e300, "\ud800"], ids=repr
)
def test_what_cannot_be_a_key(value):
    model = Keyed(regressor(), "id")
    with pytest.raises(MissingKey, match="key field 'id'"):
        model.learn_one({"id": value, "u": 1.0}, 1.0)
    with pytest.raises(MissingKey) as caught:
        model.stream([{"id": 1, "u": 1.0}, {"id": value, "u": 1.0}], [0.0, 0.0])
    assert caught.value.index == 1
    assert len(model.contexts) == 0


def test_equal_keys():
    """17.0 is 17, as CSV files have it; text is never a number."""
    model = Keyed(regressor(), "id")
    for key in (17, 17.0, "17", b"17"):
        model.learn_one({"id": key, "u": 1.0}, 1.0)
    assert sorted(map(repr, model.contexts)) == ["'17'", "17", "b'17'"]


@pytest.mark.parametrize("kind", [regressor, Linear])
@pytest.mark.parametrize("share", SHARES)
def test_a_bad_record_changes_nothing(share, kind):
    if share == "weights" and kind is Linear:
        return
    model, clean = (Keyed(kind(), "id", share, 2) for _ in range(2))
    pairs = [(x, y or 0.0) for x, y in records(20)]
    run(model, pairs)
    run(clean, pairs)
    new = {"id": "new", "u": 1.0, "v": 1.0}
    xs = [pairs[0][0], pairs[1][0], new, {**pairs[2][0], "u": "text"}, pairs[3][0]]
    with pytest.raises(BadRecord) as caught:
        model.stream(xs, [0.0] * 5)
    assert caught.value.index == 3
    assert state(model) == state(clean)
    assert run(model, pairs, (3,)) == run(clean, pairs, (20,))


def test_refused_settings():
    with pytest.raises(ConfigError, match="share = 'all': unknown; choose one of weights"):
        Keyed(regressor(), "id", "all")
    with pytest.raises(ConfigError, match="RecurrentForecaster has no weights"):
        Keyed(RecurrentForecaster(), "id")
    with pytest.raises(ConfigError, match="max_contexts: 0; keep at least 1"):
        Keyed(regressor(), "id", max_contexts=0)
    taught = regressor()
    taught.learn_one({"u": 1.0}, 1.0)
    with pytest.raises(ConfigError, match="has learned already"):
        Keyed(taught, "id")


# -- river, and copies -----------------------------------------------------------------------


@pytest.mark.parametrize("share", SHARES)
def test_river_evaluates_it(share):
    pairs = [(x, x["u"]) for x, _ in records(200, keys=2)]
    model = Keyed(regressor(optimizer=Adam(0.05)), "id", share)
    found = evaluate.progressive_val_score(pairs, model, metrics.MAE()).get()
    assert 0 < found < 0.6


@pytest.mark.parametrize("share", SHARES)
def test_pickle_and_clone(share):
    pairs = records(40)
    model = Keyed(regressor(), "id", share, 2)
    run(model, pairs)
    copy = pickle.loads(pickle.dumps(model))
    assert state(copy) == state(model)
    assert run(copy, pairs) == run(model, pairs)
    assert len(model.clone().contexts) == 0


def test_a_snapshot_of_another_setting_is_refused():
    model = Keyed(regressor(), "id")
    with pytest.raises(CheckpointError, match=r"is of Keyed.*nothing.*this is Keyed.*weights"):
        model.restore(Keyed(regressor(), "id", "nothing").snapshot())
    with pytest.raises(CheckpointError, match="configuration says"):
        model.restore(Keyed(regressor(cell=Elman(4)), "id").snapshot())


@pytest.mark.parametrize("share", SHARES)
def test_health_counts_over_all_keys(share):
    model = Keyed(regressor(), "id", share, 2)
    pairs = records(40)
    run(model, pairs, (4,))
    health = model.health()
    assert health["keys"] == 5
    assert health["contexts"] == 2
    assert health["context_evictions"] == health["context_reloads"] + 3 > 3
    assert health["loss_observations"] == sum(y is not None for _, y in pairs)
