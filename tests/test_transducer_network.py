"""The encoder–decoder: its loss against a naive twin, its gradient against differences of it."""

import itertools

import naive_transducer as naive
import numpy as np
import pytest

import stream_rnn
from stream_rnn import ELSTM, GRU, LSTM, ConfigError, Elman, SequenceTransducer
from stream_rnn.numerics.trees import walk
from stream_rnn.sequences.transducing import mixing
from stream_rnn.sequences.transducing.network.member import NetworkModel, ended

X = np.array([4, 3, 6, 4, 5], np.int32)
Y = np.array([5, 3, 3, 7], np.int32)


def doubles(network, part="weights"):
    return {name: array.astype(float) for name, array in walk(getattr(network, part))}


@pytest.mark.parametrize(
    ("cell", "attention"), [(LSTM(3), True), (GRU(3), False), (Elman(3), True)]
)
def test_the_gradient_is_that_of_two_sided_differences_of_a_naive_twin(cell, attention):
    model = NetworkModel(cell, attention, 6, seed=3)
    weights, x, y = doubles(model.network), ended(X), ended(Y)
    assert model.gradient(X, Y) == pytest.approx(
        naive.loss(cell, attention, weights, x, y), rel=1e-5
    )
    found = doubles(model.network, "gradient")
    rng, h = np.random.default_rng(1), 1e-5
    for name, w in weights.items():
        flat, g = w.reshape(-1), found[name].reshape(-1)
        largest = np.argsort(-abs(g))[:40]
        for i in rng.choice(np.union1d(largest, rng.integers(0, g.size, 5)), 8):
            before = flat[i]
            flat[i] = before + h
            above = naive.loss(cell, attention, weights, x, y)
            flat[i] = before - h
            below = naive.loss(cell, attention, weights, x, y)
            flat[i] = before
            expected = (above - below) / (2 * h)
            if cell == GRU(3) and g[i] == 0:
                continue  # what a gate does not read is held at 0
            assert g[i] == pytest.approx(expected, rel=2e-3, abs=2e-5), name


def test_a_greedy_target_is_the_best_symbol_at_every_step_and_its_score_that_of_the_twin():
    model = NetworkModel(LSTM(4), True, 6, seed=1)
    for _ in range(300):
        model.learn(X, Y, 8, 8)
    [(text, score)] = model.best(X, 8, width=1)
    assert text.tolist() == Y.tolist()
    weights = doubles(model.network, "mean")
    assert score == pytest.approx(
        -naive.loss(LSTM(4), True, weights, ended(X), ended(text)), rel=1e-3
    )
    assert model.score(X, [text])[0] == pytest.approx(score, rel=1e-5)
    best = model.best(X, 8, width=4)
    assert [s for _, s in best] == sorted((s for _, s in best), reverse=True)
    scores = dict(zip([t.tobytes() for t, _ in best], model.score(X, [t for t, _ in best])))
    assert [scores[t.tobytes()] for t, _ in best] == pytest.approx([s for _, s in best], rel=1e-4)


def test_a_wide_beam_finds_the_best_of_all_targets():
    model = NetworkModel(LSTM(4), True, 2, seed=2)
    rng = np.random.default_rng(0)
    for _ in range(40):
        model.learn(rng.integers(3, 5, 2).astype(np.int32), rng.integers(3, 5, 1), 5, 5)
    every = [
        np.array(t, np.int32) for n in range(3) for t in itertools.product(range(1, 5), repeat=n)
    ]
    scores = model.score(X[:2], every)
    text, score = model.best(X[:2], 5)[0]
    assert score == pytest.approx(max(scores), rel=1e-5)
    assert text.tolist() == every[int(np.argmax(scores))].tolist()


def test_room_for_more_symbols_changes_nothing_that_is_learned():
    model, other = (NetworkModel(LSTM(4), True, 6, seed=1) for _ in range(2))
    for _ in range(5):
        model.learn(X, Y, 8, 8)
        other.learn(X, Y, 8, 8)
    other.make_room(100, 70)
    assert other.network.weights.writer_lookup.shape[0] == 128
    w, v = model.network.mean, other.network.mean
    assert np.array_equal(w.ahead_lookup, v.ahead_lookup[: len(w.ahead_lookup)])
    fresh = NetworkModel(LSTM(4), True, 6, seed=1)
    fresh.make_room(100, 70)
    assert np.array_equal(v.output[50], fresh.network.mean.output[50])
    other.learn(X + 60, Y + 60, 100, 70)


def test_a_gradient_that_is_not_finite_is_passed_over():
    model = NetworkModel(LSTM(4), True, 6, seed=1)
    model.learn(X, Y, 8, 8)
    before = model.network.theta_mean.copy()
    kept = model.network.theta.copy()
    model.network.theta[0] = np.nan
    model.learn(X, Y, 8, 8)
    assert np.array_equal(model.network.theta_mean, before)
    model.network.theta[0] = kept[0]
    model.learn(X, Y, 8, 8)
    assert np.isfinite(model.network.theta).all()


# Both members -------------------------------------------------------------------------------


def reversals(model, count, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        x = rng.integers(0, 6, 5).tolist()
        model.learn_one(x, x[::-1])
    return model


def test_what_the_n_gram_cannot_the_network_learns_and_the_weights_say_so():
    model = reversals(SequenceTransducer(LSTM(24), longest=8, seed=1), 900)
    rng = np.random.default_rng(5)
    fresh = [rng.integers(0, 6, 5).tolist() for _ in range(50)]
    assert all(model.predict_one(x) == tuple(x[::-1]) for x in fresh)
    w = model._model.mixing.w
    assert w[1] > 2 * w[0]


@pytest.mark.parametrize("settings", [{"joint": False}, {"attention": False, "cell": GRU(4)}, {}])
def test_the_same_bits_after_a_restore(settings):
    settings = {"cell": LSTM(6), "longest": 8, "seed": 3} | settings
    model = reversals(SequenceTransducer(**settings), 70)
    copy = stream_rnn.loads(stream_rnn.dumps(model))
    x = [5, 4, 3, 2, 1, 0]
    assert copy.predict_proba_one(x) == model.predict_proba_one(x)
    reversals(model, 30, seed=9)
    reversals(copy, 30, seed=9)
    ours, theirs = model.snapshot().arrays, copy.snapshot().arrays
    assert {n: a.tobytes() for n, a in ours.items()} == {n: a.tobytes() for n, a in theirs.items()}


def test_asking_before_learning_does_not_change_what_is_learned():
    asked, silent = (SequenceTransducer(LSTM(6), longest=8, seed=3) for _ in range(2))
    rng = np.random.default_rng(0)
    for _ in range(80):
        x = rng.integers(0, 6, 5).tolist()
        asked.predict_one(x)
        asked.learn_one(x, x[::-1])
        silent.learn_one(x, x[::-1])
    ours, theirs = asked.snapshot().arrays, silent.snapshot().arrays
    assert {n: a.tobytes() for n, a in ours.items()} == {n: a.tobytes() for n, a in theirs.items()}


def test_the_weights_maximise_the_likelihood_of_the_right_candidates():
    """Against the maximum by gradient ascent over the same records."""
    rng = np.random.default_rng(2)
    true_w = np.array([0.5, 1.5, 0.0])
    state, records = mixing.create(), []
    for _ in range(3000):
        f = rng.normal(size=(5, 3)) * [2, 2, 1]
        p = np.exp(f @ true_w)
        records.append((f, int(rng.choice(5, p=p / p.sum()))))
        mixing.learn(state, *records[-1])
    w = np.zeros(3)
    for _ in range(100):
        g = np.zeros(3)
        for f, t in records[-500:]:
            p = np.exp(f @ w)
            g += f[t] - p @ f / p.sum()
        w += 0.8 * g / 500
    assert state.w == pytest.approx(w, abs=0.35)
    assert state.w == pytest.approx(true_w, abs=0.35)


def test_settings_that_cannot_be():
    with pytest.raises(ConfigError, match="joint, network: both false"):
        SequenceTransducer(joint=False, network=False)
    with pytest.raises(ConfigError, match=r"cell: ELSTM.*choose one of LSTM, GRU, Elman"):
        SequenceTransducer(ELSTM(4))
