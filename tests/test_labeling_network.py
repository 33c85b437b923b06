"""The labeler's network: against a naive twin, differences of it, and as a member of the chain."""

import naive_labeler as naive
import numpy as np
import pytest
from test_labeling import records, stream

from stream_rnn import (
    GRU,
    LSTM,
    Bidirectional,
    CheckpointError,
    ConfigError,
    Elman,
    MinGRU,
    SequenceLabeler,
    dumps,
    loads,
)
from stream_rnn.sequences.labeling.learning import Sentence
from stream_rnn.sequences.labeling.network.member import NetworkMember
from stream_rnn.sequences.labeling.network.sentence import (
    READ,
    add_scores_of,
    differentiate,
    step_network,
)
from stream_rnn.sequences.labeling.words import Words
from stream_rnn.sequences.sparse.keys import key_of
from stream_rnn.sequences.sparse.table import NONE

COUNT = 3  # labels in use, of 4


@pytest.fixture(autouse=True)
def wrapping():
    """Hashes multiply modulo 2⁶⁴, of which NumPy warns when a kernel runs interpreted."""
    with np.errstate(over="ignore"):
        yield


def sentence(words):
    """Words, and a feature with a value for each of them."""
    keys = np.array([key_of("given", str(t % 3)) for t in range(len(words))], np.uint64)
    values = np.linspace(-1, 2, len(words)).astype(np.float32)
    return Sentence(Words()(words), np.arange(len(words) + 1), keys, values)


def prepared(cell, readers):
    """A member whose inputs are drawn, a sentence, and what the member says of it."""
    member, read = (
        NetworkMember(cell, readers, 4096, 4, seed=3),
        sentence(["the", "2nd", "of", "May"]),
    )
    network = member.for_sentence(read, COUNT, True)
    scores = np.zeros((4, 4))
    add_scores_of(network, read, COUNT, True, scores)
    rng = np.random.default_rng(1)
    network.table.weights[:] = rng.normal(0, 0.3, network.table.weights.shape)
    network.weights.readers[:] *= 3
    scores[:] = 0
    add_scores_of(network, read, COUNT, False, scores)
    return network, read, scores


KINDS = [(LSTM(3), 2), (GRU(3), 1), (Elman(3), 2)]


@pytest.mark.parametrize(("cell", "readers"), KINDS)
def test_scores_are_those_of_a_naive_twin(cell, readers):
    network, read, scores = prepared(cell, readers)
    table, work = network.table, network.work
    assert (work.rows[:4] == NONE).sum() == np.sum(read.attributes[:, [4, 5, 9, 10]] == 0)
    x = np.array([table.weights[rows[rows != NONE]].sum(0) for rows in work.rows[:4]])
    known = {int(key): row for row, key in enumerate(table.keys)}
    x += [v * table.weights[known[int(k)]] for k, v in zip(read.keys, read.values, strict=True)]
    np.testing.assert_allclose(work.x[:4], x, atol=1e-5)
    w = network.weights
    expected = naive.outputs(cell, w.readers.astype(float), w.output.astype(float), x)
    np.testing.assert_allclose(scores[:, :COUNT], expected[:, :COUNT], atol=1e-5)
    assert not scores[:, COUNT:].any()
    assert len(READ) == work.rows.shape[1]


@pytest.mark.parametrize(("cell", "readers"), KINDS)
def test_the_gradient_is_that_of_two_sided_differences(cell, readers):
    network, _, _ = prepared(cell, readers)
    work, rng, h = network.work, np.random.default_rng(2), 1e-5
    e = rng.normal(size=(4, 4))
    work.e[:4] = e
    differentiate(network, 4)
    w = network.weights
    parts = [w.readers.astype(float), w.output.astype(float), work.x[:4].astype(float)]
    found = network.gradient.readers, network.gradient.output, work.d_x[:4]
    for part, g in zip(parts, found, strict=True):
        flat = part.reshape(-1)
        for i in rng.choice(flat.size, 25):
            if isinstance(cell, GRU) and g.reshape(-1)[i] == 0:
                continue  # what a gate does not read is held at 0
            before, losses = flat[i], []
            for step in (h, -h):
                flat[i] = before + step
                losses.append(np.sum(e * naive.outputs(cell, *parts)))
            flat[i] = before
            expected = (losses[0] - losses[1]) / (2 * h)
            assert g.reshape(-1)[i] == pytest.approx(expected, rel=2e-3, abs=2e-5)


def test_a_step_goes_down_and_one_that_is_not_finite_is_none():
    network, read, before = prepared(LSTM(3), 2)
    p, after = np.zeros((4, 4)), np.zeros((4, 4))
    p[:, 1] = 0.1
    kept = network.weights.readers.copy()
    step_network(network, read, COUNT, p * np.nan)
    np.testing.assert_array_equal(network.weights.readers, kept)
    step_network(network, read, COUNT, p)
    add_scores_of(network, read, COUNT, False, after)
    assert (after[:, 1] < before[:, 1]).all()
    step_network((), read, COUNT, p)


ALONE = {"cell": Bidirectional(LSTM(8)), "sparse": False}


@pytest.mark.slow  # compiles the chain for a network
def test_the_network_alone_learns():
    model, wrong = SequenceLabeler(**ALONE), 0
    for n, (tokens, labels) in enumerate(stream(300)):
        wrong += n >= 200 and model.predict_one(tokens) != labels
        model.learn_one(tokens, labels)
    assert wrong <= 2
    assert model._chain.size == (0, 0)
    assert model.entities_one(["They", "left", "New", "York", "."]) == [(2, 4, "LOC")]


@pytest.mark.slow  # compiles the chain for a network
def test_only_two_readers_see_what_comes_after():
    """The first word's label is that of the last word."""
    rng, right = np.random.default_rng(0), {}
    for cell in (LSTM(8), Bidirectional(LSTM(8))):
        model, right[cell] = SequenceLabeler(cell=cell, sparse=False), 0
        for n in range(300):
            last = str(rng.choice(["ja", "nee"]))
            tokens, labels = ["so", "and", "on", last], [last, "-", "-", "-"]
            right[cell] += n >= 200 and model.predict_one(tokens) == labels
            model.learn_one(tokens, labels)
    one, both = right.values()
    assert both == 100
    assert one < 70


@pytest.mark.slow  # compiles the chain for a network
@pytest.mark.parametrize("settings", [ALONE, {"cell": LSTM(8), "seed": 1, "max_features": 2048}])
def test_the_same_bits_after_a_restart_and_one_at_a_time(settings):
    sentences = stream(40)
    sentences[20] = ["We", "ate", "at", "Rome2", "."], ["O", "O", "O", "B-ORG", "I-X"]
    sentences += [([f"{n}w{n}" for n in range(30)], ["O"] * 30) for _ in range(20)]
    whole, first, one = (SequenceLabeler(**settings) for _ in range(3))
    rows = whole.stream(*records(sentences))
    before = first.stream(*records(sentences[:15]))
    second = loads(dumps(first))
    assert before + second.stream(*records(sentences[15:])) == rows
    for tokens, labels in sentences:
        assert one.predict_one(tokens) == rows.pop(0)["prediction"]
        one.learn_one(tokens, labels)
    for name, array in whole.snapshot().arrays.items():
        np.testing.assert_array_equal(array, second.snapshot().arrays[name], name)
        np.testing.assert_array_equal(array, one.snapshot().arrays[name], name)


def test_its_parameters_are_told_only_where_it_is():
    assert "sparse" not in SequenceLabeler().snapshot().meta["parameters"]
    snapshot = SequenceLabeler(**ALONE).snapshot()
    with pytest.raises(CheckpointError, match="cell"):
        SequenceLabeler().restore(snapshot)
    lacking = {n: a for n, a in snapshot.arrays.items() if n != "network.weights.output"}
    with pytest.raises(CheckpointError, match="lacks"):
        SequenceLabeler(**ALONE).restore(snapshot._replace(arrays=lacking))


@pytest.mark.parametrize("settings", [{"sparse": False}, {"cell": MinGRU(4)}, {"cell": LSTM(0)}])
def test_what_is_no_network_is_refused(settings):
    with pytest.raises(ConfigError, match=next(iter(settings))):
        SequenceLabeler(**settings)
