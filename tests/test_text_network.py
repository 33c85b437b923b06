"""The compiled network against a float64 one whose gradients are central differences."""

import numpy as np
from naive_text import normalised_lstm, softmax

from stream_rnn.text import network as N

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
        N.forward(network, symbol)
        N.predict(network, SEEN, False)
        outputs.append((network.output[:, :UNITS].astype(float), network.output_bias.copy()))
        probabilities.append(network.p[:SEEN].copy())
        N.learn_output(network, target, SEEN)
        N.next_position(network)
    return outputs, probabilities


def loss(parameters, outputs):
    states = normalised_lstm(parameters, INPUTS, np.zeros(UNITS), np.zeros(UNITS))
    total = 0.0
    for h, (V, b), target in zip(states, outputs, TARGETS, strict=True):
        total -= np.log(softmax(V[:SEEN] @ h + b[:SEEN])[target])
    return total


def adam(w, g):
    first, second = (1 - N.BETA1) * g, (1 - N.BETA2) * g**2
    step = SPEC.rate / np.sqrt(1 + SPEC.decay)
    return w - step * (first / (1 - N.BETA1)) / np.sqrt(second / (1 - N.BETA2) + N.EPSILON)


def test_a_block_moves_the_weights_along_the_exact_gradient():
    network = fresh()
    before = real(network)
    outputs, probabilities = run_block(network)
    after = real(network)
    states = normalised_lstm(before[:5], INPUTS, np.zeros(UNITS), np.zeros(UNITS))
    for h, (V, b), p in zip(states, outputs, probabilities, strict=True):
        np.testing.assert_allclose(p, softmax(V[:SEEN] @ h + b[:SEEN]), atol=3e-6)
    for index, name in enumerate(("recurrent", "lookup", "bias", "gain", "shift")):
        gradient = np.zeros_like(before[index])
        for place in np.ndindex(gradient.shape):
            ends = []
            for side in (-1e-5, 1e-5):
                moved = [w.copy() for w in before[:5]]
                moved[index][place] += side
                ends.append(loss(moved, outputs))
            gradient[place] = (ends[1] - ends[0]) / 2e-5
        expected = adam(before[index], gradient)
        if name == "lookup":
            expected = np.where(np.isin(range(len(expected)), INPUTS)[:, None], expected, before[1])
        np.testing.assert_allclose(after[index], expected, atol=2e-4, err_msg=name)


def test_output_moves_by_plain_gradient_steps():
    network = fresh()
    V, b = network.output[:SEEN].astype(float), network.output_bias[:SEEN].astype(float)
    N.forward(network, 2)
    N.predict(network, SEEN, False)
    h, p = network.hidden[1].astype(float), network.p[:SEEN].astype(float)
    N.learn_output(network, 4, SEEN)
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


def test_two_layers_learn_a_rhythm():
    network = N.Network.create(SPEC._replace(layers=2, units=8), 4, seed=1)
    costs = []
    N.forward(network, 0)
    for t in range(6000):
        N.predict(network, 4, False)
        target = 1 + (t // 2) % 2
        costs.append(-np.log2(network.p[target]))
        N.learn_output(network, target, 4)
        N.next_position(network)
        N.forward(network, target)
    assert np.mean(costs[-200:]) < 0.1 < np.mean(costs[:20])


def test_resizing_keeps_rows_and_renames_the_block():
    network = fresh()
    run_block(network)
    N.forward(network, 3)
    kept = np.array([0, 1, 3, 5])
    smaller = network.resized(SPEC, kept, 10, seed=3)
    np.testing.assert_array_equal(smaller.output[:4], network.output[kept])
    np.testing.assert_array_equal(smaller.lookup_v[:, :4], network.lookup_v[:, kept])
    assert smaller.symbols[0] == 2
    assert smaller.recurrent is network.recurrent
    np.testing.assert_array_equal(
        smaller.lookup[:, 4:], N.Network.create(SPEC, 10, seed=3).lookup[:, 4:]
    )
