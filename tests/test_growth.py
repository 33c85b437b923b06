"""New inputs and outputs while learning: as if they had been there, unused, from the start."""

import numpy as np
import pytest
from helpers import cover, gradients, network, relative_error, wave

from stream_rnn.cells import CELLS, GRU, LSTM, Elman
from stream_rnn.engine.model import compose
from stream_rnn.engine.online import OnlineNetwork
from stream_rnn.learners import LEARNERS, RTRL, TBPTT
from stream_rnn.losses import Squared
from stream_rnn.numerics.trees import walk
from stream_rnn.optimizers import OPTIMIZERS, SGD, Adam, Average, Clip, ClipValue, Decay, Kalman

pytestmark = pytest.mark.usefixtures("interpreted")

EARLY, LATE, T = 2, 3, 40
RANDOM = {"UORO"}  # draw as many numbers as there are parameters
STEPS = [
    (Kalman(0.1, 0.0),) if spec is Kalman else (Clip(0.5), Decay(1e-3), spec(0.02))
    for spec in OPTIMIZERS.values()
    if spec not in (Average, Clip, ClipValue, Decay)
]
CELL_SPECS = [Elman(3), *(spec(3) for spec in CELLS.values() if spec is not Elman)]
LEARNER_SPECS = [TBPTT(4), *(s() for n, s in LEARNERS.items() if n not in {"TBPTT", *RANDOM})]


def unused(net, inputs, outputs):
    """The same network with more inputs and outputs, whose weights are 0."""
    full = OnlineNetwork(net.model, inputs, outputs, skip=net.skip, dtype=net.dtype, seed=net.seed)
    for small, large in zip(net.parameters(), full.parameters(), strict=True):
        large[...] = 0
        large[tuple(slice(n) for n in small.shape)] = small
    full.state.saved[...] = full.state.theta
    return full


def padded(A, width):
    return np.hstack([A, np.full((len(A), width - A.shape[1]), np.nan)])


def check(net, X, Y, outputs=1):
    """Grow at T; compare with the network that had everything from the start."""
    full = unused(net, EARLY + LATE, outputs)
    early = X[:T, :EARLY].copy(), Y[:T, : net.outputs].copy()
    before = net.prequential(*early)
    alike = full.prequential(padded(early[0], EARLY + LATE), padded(early[1], outputs))
    assert np.allclose(before, alike[:, : before.shape[1]], rtol=1e-9, atol=1e-12)
    p = net.predict(early[0][:5])
    net.grow(EARLY + LATE, outputs)
    assert np.allclose(net.predict(padded(early[0][:5], EARLY + LATE))[:, : p.shape[1]], p)
    assert {n: a.shape for n, a in walk(net.state)} == {n: a.shape for n, a in walk(full.state)}
    got, expected = net.prequential(X[T:], Y[T:]), full.prequential(X[T:], Y[T:])
    assert np.allclose(got, expected, rtol=1e-7, atol=1e-9)
    for (name, a), (_, b) in zip(walk(net.state), walk(full.state), strict=True):
        if name != "saved":
            assert np.allclose(a, b, rtol=1e-6, atol=1e-9), name


@pytest.mark.parametrize(("cell", "learner"), cover(CELL_SPECS, LEARNER_SPECS), ids=repr)
def test_inputs_grow_for_every_cell_and_learner(cell, learner):
    X, Y = wave(2 * T, EARLY + LATE)
    check(network(cell, learner, EARLY, optimizer=Adam(0.01), scale=True, skip=True), X, Y)


@pytest.mark.parametrize("chain", [c for (c,) in cover(STEPS)], ids=repr)
def test_inputs_grow_for_every_optimizer(chain):
    X, Y = wave(2 * T, EARLY + LATE)
    check(network(Elman(3), TBPTT(4), EARLY, optimizer=chain, scale=True), X, Y)


@pytest.mark.parametrize("skip", [False, True])
def test_outputs_grow_too(skip):
    X, Y = wave(2 * T, EARLY + LATE, 3)
    net = network(Elman(3), TBPTT(4), EARLY, optimizer=Adam(0.01), scale=True, skip=skip)
    check(net, X, Y, outputs=3)


def test_stacks_grow_at_the_bottom_and_at_the_top():
    X, Y = wave(2 * T, EARLY + LATE, 2)
    net = network((Elman(3), GRU(2)), RTRL(), EARLY, optimizer=Adam(0.01), scale=True, skip=True)
    check(net, X, Y, outputs=2)


def test_every_array_keeps_what_it_held():
    """Also in panels: RTRL's influence after growth is that of a network with zero inputs."""
    X, Y = wave(30, 9)
    for units in (1, 3, 16):
        for first, then in ((1, 2), (2, 9), (1, 9)):
            net = OnlineNetwork(
                compose(Elman(units), RTRL(), SGD(0.0), Squared(), scale=False), first, 1
            )
            net.prequential(X[:10, :first], Y[:10])
            full = unused(net, then, 1)
            full.prequential(padded(X[:10, :first], then), Y[:10])
            net.grow(then, 1)
            for (name, a), (_, b) in zip(walk(net.state), walk(full.state), strict=True):
                assert np.allclose(a, b, rtol=1e-5, atol=1e-7), (units, first, then, name)


def test_a_new_input_takes_part_in_the_gradient_at_once():
    net = network(Elman(3), RTRL(), EARLY, 1, seed=2)
    net.grow(EARLY + 1, 1)
    W = net.parameters()[0]
    assert (W[-1] == 0).all()
    _, G = gradients(net, *wave(8, EARLY + 1))
    assert (G[0].reshape(-1)[: W.size].reshape(W.shape)[-1] != 0).all()


def test_the_gradient_after_growth_is_exact():
    X, Y = wave(12, EARLY + LATE)
    grown, reference = (network(Elman(3), RTRL(), EARLY, 1, seed=2) for _ in range(2))
    grown.grow(EARLY + LATE, 1)
    full = unused(reference, EARLY + LATE, 1)
    assert relative_error(gradients(grown, X, Y)[1], gradients(full, X, Y)[1]) < 1e-12


def test_a_filter_that_grows_writes_the_new_variances_only(monkeypatch):
    """What was learned is copied once; nothing is set to what a new filter has before."""
    network = OnlineNetwork(compose(LSTM(4), RTRL(), Kalman(0.5), Squared()), 2, 1, skip=True)
    rng = np.random.default_rng(3)
    for array in (*network.state.memory.layers, network.state.memory.readout):
        array[...] = rng.normal(size=array.shape)
    before = network.state.memory
    monkeypatch.setattr("stream_rnn.optimizers.filter.reset", None)  # not called
    network.grow(4, 1)
    for old, new in zip(
        (*before.layers, before.readout),
        (*network.state.memory.layers, network.state.memory.readout),
        strict=True,
    ):
        assert np.array_equal(new[: len(old)], old)
        rows = np.zeros(len(new) - len(old))
        Z = round((2 * len(new)) ** 0.5 - 0.5)  # L = Z (Z + 1) / 2
        rows[[len(rows) - 1 - Z, len(rows) - 1]] = 0.5
        assert (new[len(old) :].reshape(len(rows), -1) == rows[:, None].astype(new.dtype)).all()
