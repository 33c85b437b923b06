"""Sequences to sequences: the joint n-gram member against enumeration, and the estimator."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stream_rnn
from stream_rnn import LSTM, BadRecord, CheckpointError, ConfigError, SequenceTransducer
from stream_rnn.sequences.transducing.joint import lattice, ngram, state
from stream_rnn.sequences.transducing.joint.member import JointModel
from stream_rnn.sequences.transducing.symbols import FIRST, PAD, Symbols

WORDS = ["walk", "talk", "jump", "carry", "hurry", "marry", "call", "look", "worry", "rest"]


def past(word):
    return word[:-1] + "ied" if word[-1] == "y" else word + "ed"


def taught(**settings):
    model = SequenceTransducer(**{"cell": LSTM(8)} | settings)
    for word in WORDS * 2:
        model.learn_one(word, past(word))
    return model


# The lattice, by enumeration of all paths ---------------------------------------------------


def numbers(symbols):
    return np.array(symbols, np.int32)


def all_paths(source, target):
    """Every way to cut the target into pieces of 0, 1, 2, one for each source symbol."""
    length = max(len(source), (len(target) + 1) // 2)
    padded = list(source) + [PAD] * (length - len(source))
    for cuts in itertools.product(range(3), repeat=length):
        if sum(cuts) == len(target):
            ends = np.cumsum((0, *cuts))
            pieces = [tuple(target[a:b]) for a, b in itertools.pairwise(ends)]
            yield list(zip(padded, pieces, strict=True))


def path_probability(path, counts, targets):
    p = 1.0
    for a, piece in path:
        prior = (0.1, 0.8, 0.1)[len(piece)] / targets ** len(piece)
        total = sum(c for (other, _), c in counts.items() if other == a)
        p *= (counts.get((a, piece), 0.0) + prior) / (total + 1.0)
    return p


def counts_of(joint):
    return {
        (int(a), tuple(int(s) for s in (b, c) if s)): float(n)
        for (a, b, c), n in zip(joint.emitted, joint.counts, strict=True)
        if n > 0
    }


SYMBOL = st.integers(FIRST, FIRST + 2)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.lists(SYMBOL, max_size=4), st.lists(SYMBOL, max_size=4)), max_size=3))
def test_expectations_and_the_best_path_are_those_of_all_paths(records):
    with np.errstate(over="ignore"):  # hashes wrap around
        compare_with_enumeration(records)


def compare_with_enumeration(records):
    joint = state.create(1 << 10, FIRST + 8, 8)
    joint.clock[state.TARGETS] = 6
    expected = {}
    for source, target in records:
        paths = list(all_paths(source, target))
        p = np.array([path_probability(path, expected, 6) for path in paths])
        share = {}
        for path, q in zip(paths, p / p.sum(), strict=True):
            for at, pair in enumerate(path):
                piece_start = sum(len(piece) for _, piece in path[:at])
                share[at, piece_start, pair] = share.get((at, piece_start, pair), 0.0) + q
        for (_, _, pair), q in share.items():
            if q > lattice.LEAST:
                expected[pair] = expected.get(pair, 0.0) + q
        lattice.expect(joint, numbers(source), numbers(target))
        assert counts_of(joint) == pytest.approx(expected)
    for source, target in records:
        n = lattice.align(joint, numbers(source), numbers(target))
        path = [joint.emitted[token] for token in joint.path[:n]]
        found = [(int(a), tuple(int(s) for s in (b, c) if s)) for a, b, c in path]
        best = max(path_probability(p, expected, 6) for p in all_paths(source, target))
        assert path_probability(found, expected, 6) == pytest.approx(best)


# The n-gram against dictionaries ------------------------------------------------------------


class NaiveCounts:
    """Interpolated Kneser–Ney over contexts as tuples, newest first."""

    def __init__(self):
        self.counts = {}

    def count(self, history, symbol):
        for k in range(state.ORDER - 1, -1, -1):
            table = self.counts.setdefault(history[:k], {})
            table[symbol] = table.get(symbol, 0) + 1
            if table[symbol] > 1:
                break

    def p(self, history, symbol, uniform):
        p = uniform
        for k in range(state.ORDER):
            table = self.counts.get(history[:k])
            if table is None:
                break
            N = sum(table.values())
            taken = sum(c - state.DISCOUNT for c in table.values())
            p = max(table.get(symbol, 0) - state.DISCOUNT, 0) / N + (1 - taken / N) * p
        return p


@np.errstate(over="ignore")
def test_probabilities_are_those_of_dictionaries_and_sum_to_one():
    model, naive, pairs = JointModel(8, 1 << 12), NaiveCounts(), NaiveCounts()
    rng = np.random.default_rng(1)
    tokens = rng.integers(1, 4, 300).tolist()
    joint, tables, keys = model.state, model.tables, model.keys
    history = (0,) * (state.ORDER - 1)
    for token in tokens:
        a = 3 + token % 2
        for k in range(state.ORDER - 1):
            keys[k + 1] = ngram.lengthened(keys[k], history[k])
        known = [ngram.of_source(tables, keys, s, 5) for s in range(5)]
        assert sum(known) == pytest.approx(1.0)
        assert known == pytest.approx([naive.p(history, s, 1 / 5) for s in range(5)])
        n = ngram.of_emissions(tables, keys, a, joint.beam)
        for i in range(n):
            name = (a, int(joint.beam.symbols[i]))
            tagged = tuple((h, a) for h in history)
            assert joint.beam.p[i] == pytest.approx(
                pairs_p(pairs, tagged, a, name, 1 / (n + 1)), rel=1e-9
            )
        ngram.count(tables, keys, a, token)
        naive.count(history, a)
        pairs_count(pairs, history, a, token)
        history = (token, *history[:-1])


def pairs_count(pairs, history, a, token):
    for k in range(state.ORDER - 1, -1, -1):
        table = pairs.counts.setdefault((a, history[:k]), {})
        table[token] = table.get(token, 0) + 1
        if table[token] > 1:
            break


def pairs_p(pairs, tagged, a, name, uniform):
    history, p = tuple(h for h, _ in tagged), uniform
    for k in range(state.ORDER):
        table = pairs.counts.get((a, history[:k]))
        if table is None:
            break
        N = sum(table.values())
        taken = sum(c - state.DISCOUNT for c in table.values())
        p = max(table.get(name[1], 0) - state.DISCOUNT, 0) / N + (1 - taken / N) * p
    return p


def test_a_target_is_as_probable_as_all_ways_to_emit_it_together():
    model = SequenceTransducer(network=False, longest=12)
    for word in WORDS * 4:
        model.learn_one(word, past(word))
    inner = model._model
    a = inner.sources.read("tarry")
    sizes = len(inner.sources), len(inner.targets)
    found = inner.joint.best(a, sizes[0])
    for target, score in found[:3]:
        assert inner.joint.score(a, target, *sizes) == pytest.approx(score, abs=0.05)
    wrong = inner.joint.score(a, inner.targets.read("wwwwwwwwwwww"), *sizes)
    assert -math.inf < wrong < found[-1][1]


# The estimator ------------------------------------------------------------------------------


def test_a_regular_form_is_learned_from_ten_words():
    model = taught()
    assert [model.predict_one(word) for word in ("tarry", "hall")] == ["tarried", "halled"]
    assert math.isclose(sum(model.predict_proba_one("hall").values()), 1.0)


def test_targets_that_are_no_texts_come_back_as_tuples():
    model = SequenceTransducer()
    assert model.predict_one("ab") is None
    for _ in range(5):
        model.learn_one("ab", ["X", 7])
    assert model.predict_one("ab") == ("X", 7)
    assert model.predict_one([]) is not None


def test_a_saved_one_goes_on_with_the_same_bits():
    model = taught()
    for word in WORDS * 4:  # beyond the first alignment anew
        model.learn_one(word, past(word))
    copy = stream_rnn.loads(stream_rnn.dumps(model))
    for word in WORDS:
        assert copy.predict_proba_one(word[::-1]) == model.predict_proba_one(word[::-1])
        copy.learn_one(word[::-1], word)
        model.learn_one(word[::-1], word)
    ours, theirs = model.snapshot(), copy.snapshot()
    assert ours.meta == theirs.meta
    assert {n: a.tobytes() for n, a in ours.arrays.items()} == {
        n: a.tobytes() for n, a in theirs.arrays.items()
    }


def test_a_prediction_learns_nothing():
    model, other = taught(), taught()
    model.predict_one("new")
    assert model.predict_proba_one("wake") == other.predict_proba_one("wake")


def test_a_stream_predicts_before_it_learns_and_skips_what_is_unknown():
    model = SequenceTransducer()
    xs, ys = [{"source": w} for w in ["ab", "ab", "ab"]], ["x", None, "x"]
    rows = model.stream(xs, ys)
    assert [row["prediction"] for row in rows] == [None, "x", "x"]
    assert model.health() == {"loss_sum": 1.0, "loss_observations": 2.0}


def test_memory_is_bounded():
    model = SequenceTransducer(network=False, contexts=1 << 12, max_symbols=5, longest=12)
    rng = np.random.default_rng(0)
    for _ in range(1500):
        word = "".join(rng.choice(list("abcdefgh"), 10))
        model.learn_one(word, word[::-1])
    arrays = model.snapshot().arrays
    assert len(arrays["joint.tables.slots"]) == 1 << 12
    assert len(arrays["joint.joint.counts"]) <= state.MOST_EMISSIONS
    assert model.predict_one("abc")


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (3, "a", r"source: 3 is no sequence; give a text"),
        ([1.5], "a", r"source: 1.5 is no symbol; give texts or integers"),
        ("a" * 65, "a", r"source: 65 symbols; the limit is longest = 64"),
        ("a", [None], r"target: None is no symbol"),
    ],
)
def test_bad_records(x, y, words):
    model = taught()
    before = model.predict_proba_one("wake")
    with pytest.raises(BadRecord, match=words):
        model.learn_one(x, y)
    assert model.predict_proba_one("wake") == before
    with pytest.raises(BadRecord, match=words) as caught:
        model.stream([{"source": "a"}, {"source": x}], ["b", y])
    assert caught.value.index == 1


def test_settings_that_cannot_be():
    for wrong in ({"longest": 0}, {"max_symbols": 0}, {"contexts": 1}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            SequenceTransducer(**wrong)
    with pytest.raises(CheckpointError, match="longest"):
        SequenceTransducer(longest=9).restore(SequenceTransducer().snapshot())


def test_symbols_beyond_the_bound_are_unknown():
    symbols = Symbols(2)
    assert symbols.admit("abc").tolist() == [FIRST, FIRST + 1, 2]
    assert symbols.write(symbols.read("cab")) == ("<unk>", "a", "b")
