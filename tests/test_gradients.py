"""Gradients: every exact learner against difference quotients, BPTT and dense RTRL."""

import numpy as np
import pytest
from helpers import EXACT, cover, difference_quotients, gradients, network, relative_error, wave
from naive import Layer, as_seen_by_learner, partials, reads

from stream_rnn.cells import CELLS, Elman
from stream_rnn.cells.base import activate, sizes
from stream_rnn.learners import RTRL, TBPTT
from stream_rnn.numerics.activations import ReLU

CELL_SPECS = [spec(3) for spec in CELLS.values()]
pytestmark = pytest.mark.usefixtures("interpreted")

PAIRS = cover(CELL_SPECS, EXACT)
T = 12


@pytest.fixture(scope="module", params=PAIRS, ids=repr)
def gradient(request, interpreted):
    """A network, its stream, and ∂L_t/∂θ for every step."""
    cell, learner = request.param
    net, (X, Y) = network(cell, learner, 2, 2, seed=3), wave(T, 2, 2)
    net.state.theta[...] *= 1.5  # away from the linear range
    losses, G = gradients(net, X, Y)
    return net, X, Y, losses, G


def test_gradient_is_the_difference_quotient(gradient):
    net, X, Y, _, G = gradient
    Q = difference_quotients(net, X, Y)
    unread = (G == 0).all(axis=0)  # the mask: no pre-activation reads it
    assert relative_error(G[:, ~unread], Q[:, ~unread]) <= 1e-7
    recurrent = net.state.theta[: -net.parameters()[-1].size]
    assert (recurrent[unread[: recurrent.size]] == 0).all()


def test_gradient_is_that_of_bptt_and_dense_rtrl(gradient):
    net, X, Y, losses, G = gradient
    W, V, back = as_seen_by_learner(net.parameters())
    H = net.model.cells[0].units
    layer = Layer(net.model.cells[0], W)
    for t in range(T):
        layer.go(*layer.ahead(X[t]))
        r = np.append(layer.s[0], 1.0)
        e = r @ V - Y[t]
        assert losses[t] == pytest.approx(e @ e / 2, rel=1e-12)
        by_rtrl, by_bptt = layer.rtrl(V[:H] @ e), layer.bptt(V[:H] @ e)
        read = reads(net.model.cells[0], W.shape)
        assert np.allclose(by_rtrl, by_bptt, rtol=1e-11, atol=1e-14)
        assert np.allclose(G[t], back(by_bptt * read, np.outer(r, e)), rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize(
    "cell", [*CELL_SPECS, Elman(3, ReLU())], ids=lambda cell: repr(cell).replace("units=", "")
)
def test_partial_derivatives_are_those_of_a_complex_step(cell):
    K, G = sizes(cell)
    rng = np.random.default_rng(1)
    a, s_ = rng.normal(size=(G, 3)), rng.normal(size=(K, 3))
    s, A, B = np.empty((K, 3)), np.empty((K, G, 3)), np.empty((K, K, 3))
    activate(cell, a, s_, s, A, B)
    expected_A, expected_B = partials(cell, a, s_)
    assert np.allclose(A, expected_A, rtol=1e-12, atol=1e-15)
    assert np.allclose(B, expected_B, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("cell", CELL_SPECS, ids=repr)
def test_single_precision_agrees_with_double(cell):
    K, G = sizes(cell)
    rng = np.random.default_rng(2)
    arguments = [rng.normal(size=(G, 3)), rng.normal(size=(K, 3))]
    results = []
    for dtype in (np.float32, np.float64):
        out = [np.empty(n, dtype) for n in ((K, 3), (K, G, 3), (K, K, 3))]
        activate(cell, *(a.astype(dtype) for a in arguments), *out)
        results.append(out)
    for single, double in zip(*results, strict=True):
        assert np.allclose(single, double, rtol=1e-5, atol=2e-6)


def test_a_short_window_cuts_the_gradient_off():
    """TBPTT(w) equals BPTT over the last w records, for any w."""
    cell = CELL_SPECS[1]
    net, (X, Y) = network(cell, TBPTT(window=4), 2, 2, seed=5), wave(T, 2, 2)
    _, G = gradients(net, X, Y)
    W, V = (np.array(p) for p in net.parameters())
    layer = Layer(cell, W)
    for t in range(T):
        layer.go(*layer.ahead(X[t]))
        e = np.append(layer.s[0], 1.0) @ V - Y[t]
        expected = layer.bptt(V[:3] @ e, window=4) * reads(cell, W.shape)
        assert np.allclose(G[t, : W.size], expected.ravel(), rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("units", [1, 2, 7, 16])
def test_influence_in_any_number_of_panels(units):
    """RTRL keeps its influence in panels; at every size the gradient is that of TBPTT."""
    cell = type(CELL_SPECS[0])(units)
    X, Y = wave(6, 5, 1)
    exact = [gradients(network(cell, l, 5, 1, seed=1), X, Y)[1] for l in (RTRL(), TBPTT(64))]
    assert relative_error(*exact) < 1e-12
