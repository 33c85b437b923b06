"""The network, interpreted, against a float64 one whose gradients are central differences.

And its machine code against the interpreted kernels.
"""

import numpy as np
import pytest
from naive_text import normalised_lstm, softmax

from stream_rnn.estimators.text import TextPredictor
from stream_rnn.numerics import float32 as M
from stream_rnn.text.network import backward as B
from stream_rnn.text.network import coupled_lstm as N
from stream_rnn.text.network import forward as W
from stream_rnn.text.network import replay as R
from stream_rnn.text.presets import Preset

SPEC = N.NetworkSpec(units=5, block=4, rate=0.01)
UNITS, SEEN = 5, 6
INPUTS, TARGETS = [0, 3, 1, 3], [3, 1, 3, 5]


def real(network):
    """Weights without the padding: recurrent, lookup, bias, gain, shift, output, its bias."""
    H = network.cell.shape[2]
    columns = np.concatenate([np.arange(UNITS) + g * H for g in range(3)])
    affine = network.affine[0][:, columns].astype(float)
    return [
        network.recurrent[0][:UNITS, columns].astype(float),
        network.lookup[0][:, columns].astype(float),
        *affine,
        network.output[:, :UNITS].astype(float),
        network.output_bias.astype(float),
    ]


def fresh():
    network = N.Network.create(SPEC, SEEN + 2, seed=3)
    rng = np.random.default_rng(5)
    network.output[:SEEN, :UNITS] = rng.normal(size=(SEEN, UNITS)) * 0.5
    network.affine[0, 2, :UNITS] = rng.normal(size=UNITS) * 0.3
    return network


def run_block(network):
    outputs, probabilities = [], []
    for symbol, target in zip(INPUTS, TARGETS, strict=True):
        W.forward(network, symbol)
        W.predict(network, SEEN, False)
        outputs.append((network.output[:, :UNITS].astype(float), network.output_bias.copy()))
        probabilities.append(network.p[:SEEN].copy())
        R.learn(network, None, target, SEEN, True)
    return outputs, probabilities


def loss(parameters, outputs):
    states = normalised_lstm(parameters, INPUTS, np.zeros(UNITS), np.zeros(UNITS))
    total = 0.0
    for h, (V, b), target in zip(states, outputs, TARGETS, strict=True):
        total -= np.log(softmax(V[:SEEN] @ h + b[:SEEN])[target])
    return total


def moved_by(w, g):
    """The first step, when the mean square is that of one gradient."""
    return w - SPEC.rate / np.sqrt(1 + SPEC.decay) * g / np.sqrt(g**2 + B.EPSILON)


def test_a_block_moves_the_weights_along_the_exact_gradient():
    network = fresh()
    before = real(network)
    outputs, probabilities = run_block(network)
    after = real(network)
    states = normalised_lstm(before[:5], INPUTS, np.zeros(UNITS), np.zeros(UNITS))
    for h, (V, b), p in zip(states, outputs, probabilities, strict=True):
        np.testing.assert_allclose(p, softmax(V[:SEEN] @ h + b[:SEEN]), atol=3e-6)
    squares = 0.0
    for index, name in enumerate(("recurrent", "lookup", "bias", "gain", "shift")):
        gradient = np.zeros_like(before[index])
        for place in np.ndindex(gradient.shape):
            ends = []
            for side in (-1e-5, 1e-5):
                moved = [w.copy() for w in before[:5]]
                moved[index][place] += side
                ends.append(loss(moved, outputs))
            gradient[place] = (ends[1] - ends[0]) / 2e-5
        squares += (gradient**2).sum()
        expected = moved_by(before[index], gradient)
        if name == "lookup":
            expected = np.where(np.isin(range(len(expected)), INPUTS)[:, None], expected, before[1])
        np.testing.assert_allclose(after[index], expected, atol=2e-4, err_msg=name)
    np.testing.assert_allclose(network.norm[0], np.sqrt(squares), rtol=1e-3)


def test_output_moves_by_plain_gradient_steps():
    network = fresh()
    V, b = network.output[:SEEN].astype(float), network.output_bias[:SEEN].astype(float)
    W.forward(network, 2)
    W.predict(network, SEEN, False)
    h, p = network.hidden[1].astype(float), network.p[:SEEN].astype(float)
    B.learn_output(network, 4, SEEN)
    error = p - np.eye(SEEN)[4]
    np.testing.assert_allclose(network.output[:SEEN], V - 0.1 * np.outer(error, h), atol=1e-6)
    np.testing.assert_allclose(network.output_bias[:SEEN], b - 0.1 * error, atol=1e-6)
    np.testing.assert_allclose(network.pull[0], error @ V, atol=1e-6)


def test_padding_stays_zero():
    network = fresh()
    for _ in range(3):
        run_block(network)
    H = network.cell.shape[2]
    assert H > UNITS
    for array in (network.hidden[:, UNITS:], network.cell[..., UNITS:], network.output[:, UNITS:]):
        assert not array.any()
    assert not network.recurrent[:, UNITS:H].any()


@pytest.mark.slow
def test_two_layers_learn_a_rhythm():
    preset = Preset(SPEC._replace(layers=2, units=8), mixture=None)
    costs = TextPredictor(preset=preset, seed=1).learn_text("aabb" * 1500, per_symbol=True)
    assert np.mean(costs[-200:]) < 0.1 < np.mean(costs[:20])


@pytest.mark.filterwarnings("ignore:overflow")  # of hashes
def test_machine_code_is_the_interpreted_network():
    spec, known = SPEC._replace(replay=1, memory=256), 4
    model = TextPredictor(preset=Preset(spec, mixture=None), max_symbols=known, seed=3)
    model.learn_text("abcd")
    network = N.Network(*(array.copy() for array in model._model.state.network))
    text = "badcabbadcab" * 10  # rounding grows exponentially: 1e-6 here, 1e-3 after twice that
    expected = model.learn_text(text, per_symbol=True)
    belief = model._model.state.belief
    costs = []
    for letter in text:
        symbol = 1 + ord(letter) - ord("a")
        costs.append(-np.log2(network.p[symbol]))
        R.learn(network, None, symbol, known + 1, False)
        R.remember(network, symbol)
        W.forward(network, symbol)
        W.predict(network, known + 1, False)
    assert belief[0] > 0.99
    np.testing.assert_allclose(costs, expected, atol=5e-3)
    np.testing.assert_allclose(network.recurrent, model._model.state.network.recurrent, atol=1e-4)


def test_resizing_keeps_rows_and_renames_the_block():
    network = fresh()
    run_block(network)
    W.forward(network, 3)
    kept = np.array([0, 1, 3, 5])
    smaller = network.resized(SPEC, kept, 10, seed=3)
    np.testing.assert_array_equal(smaller.output[:4], network.output[kept])
    np.testing.assert_array_equal(smaller.lookup_v[:, :4], network.lookup_v[:, kept])
    assert smaller.symbols[0] == 2
    np.testing.assert_array_equal(smaller.recurrent, network.recurrent)
    np.testing.assert_array_equal(
        smaller.lookup[:, 4:], N.Network.create(SPEC, 10, seed=3).lookup[:, 4:]
    )


def step(network, symbol):
    """Predict, learn and read one symbol."""
    W.predict(network, SEEN, True)
    R.learn(network, None, symbol, SEEN, True)
    R.remember(network, symbol)
    W.forward(network, symbol)


@pytest.mark.filterwarnings("ignore:overflow")  # of hashes
def test_replay_is_a_second_reader_of_the_same_weights():
    """Against two readers with states of their own that take turns at one set of weights."""
    spec = SPEC._replace(replay=2, memory=128, scale=0.2)
    network = N.Network.create(spec, SEEN + 2, seed=3)
    first = N.Network.create(spec._replace(replay=0), SEEN + 2, seed=3)
    own = ("hidden", "cell", "squashed", "gates", "normed", "scale", "slope", "pull", "symbols")
    second = first._replace(**{name: getattr(first, name).copy() for name in own})
    text = [1 + int(n) for n in np.random.default_rng(4).integers(0, SEEN - 1, 404)]
    passage, blocks, replayed = [], 0, 0
    for reader in (network, first):
        W.forward(reader, 0)
    for t, symbol in enumerate(text):
        step(network, symbol)
        W.predict(first, SEEN, True)
        R.learn(first, None, symbol, SEEN, True)
        blocks += first.clock[N.POSITION] == 0
        if first.clock[N.POSITION] == 0 and blocks % 2 == 0 and t >= 160:
            oldest = max(0, t - 128)
            if not passage or passage[0] < oldest:
                h = int(M.scramble(np.uint64(t + 1), np.uint64(12345)))
                start = oldest + (h >> 33) % (t - oldest - 80)
                passage = list(range(start, start + 80))
                for state in (second.hidden, second.cell):
                    state[...] = 0
            for _ in range(spec.block):
                at = passage.pop(0)
                W.forward(second, text[at])
                W.predict(second, SEEN, True)
                B.learn_output(second, text[at + 1], SEEN)
                second.clock[N.POSITION] += 1
            B.learn_block(second, spec.block)
            W.carry_over(second, spec.block)
            replayed += 1
        W.forward(first, symbol)
    assert replayed > 25
    for name in ("recurrent", "lookup", "affine", "output", "hidden", "cell"):
        np.testing.assert_array_equal(getattr(network, name), getattr(first, name), err_msg=name)


def test_forgotten_symbols_are_no_targets():
    network = N.Network.create(SPEC._replace(replay=1, memory=1024), SEEN, seed=3)
    W.forward(network, 0)
    for t in range(100):
        step(network, 1 + t % 4)
    smaller = network.resized(SPEC._replace(replay=1, memory=1024), np.array([0, 1, 2]), 4, seed=3)
    assert set(smaller.memory[:100].tolist()) == {0, 1, 2}
    smaller.memory[:] = 0
    smaller.clock[N.POSITION] = 0
    output, bias = smaller.output.copy(), smaller.output_bias.copy()
    R.read_passage(smaller, None, 3, True)
    np.testing.assert_array_equal(smaller.output, output)
    np.testing.assert_array_equal(smaller.output_bias, bias)
    assert not smaller.pull.any()
