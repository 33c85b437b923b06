"""SnAp-1 and RFLO against their naive twins: dense RTRL with parts thrown away."""

import numpy as np
import pytest
from helpers import cover, gradients, network, wave
from naive import Layer, as_seen_by_learner, reads
from naive_learners import rflo, snap1

from stream_rnn.cells import CELLS
from stream_rnn.codegen.dispatch import compiled
from stream_rnn.learners import RFLO, SnAp1
from stream_rnn.learners.own_rows import carry_any
from stream_rnn.learners.own_tiles import carry_rows

TWINS = {SnAp1: snap1, RFLO: rflo}
CELL_SPECS = [spec(3) for spec in CELLS.values()]
T = 10


@pytest.mark.parametrize(("cell", "learner"), cover(CELL_SPECS, list(TWINS)), ids=str)
def test_gradient_is_that_of_the_naive_twin(cell, learner):
    net, (X, Y) = network(cell, learner(), 2, 2, seed=3), wave(T, 2, 2)
    net.state.theta[...] *= 1.5
    _, G = gradients(net, X, Y)
    W, V, back = as_seen_by_learner(net.parameters())
    layer = Layer(cell, W)
    records, hidden, errors = [], [], []
    for t in range(T):
        layer.go(*layer.ahead(X[t]))
        records.append(layer.past[-1])
        hidden.append(np.append(layer.s[0], 1.0))
        errors.append(hidden[-1] @ V - Y[t])
    for t, influence in enumerate(TWINS[learner](W, records, layer.diagonal)):
        expected = np.tensordot(V[:3] @ errors[t], influence, 1)
        by_V = np.outer(hidden[t], errors[t])
        expected = back(expected * reads(cell, W.shape), by_V)
        assert np.allclose(G[t], expected, rtol=1e-10, atol=1e-14), t


@compiled
def both(T, D, A, z, fresh, U):
    carry_rows(D, A, z, T)
    carry_any(U, D, A, z, fresh)


def test_the_loop_for_any_number_of_components_agrees_with_the_one_for_two():
    rng = np.random.default_rng(0)
    T, D, A = rng.normal(size=(2, 5, 6)), rng.normal(size=(2, 2, 6)), rng.normal(size=(2, 6))
    z, U = rng.normal(size=5), T.copy()
    expected = np.einsum("klp,lcp->kcp", D, T) + np.einsum("kp,c->kcp", A, z)
    both(T, D, A, z, np.empty((2, 6)), U)
    assert np.allclose(T, expected, rtol=1e-14)
    assert np.allclose(U, expected, rtol=1e-14)
