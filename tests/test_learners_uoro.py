"""UORO: unbiased over seeds, and its two vectors as the paper writes them."""

from statistics import NormalDist

import numpy as np
import pytest
from helpers import gradients, network, rewind, wave
from naive import jacobians

from stream_rnn.cells import LSTM, Elman, MinGRU
from stream_rnn.learners import RTRL, UORO
from stream_rnn.numerics.randomness import signs

SEEDS, T = 300, 6
DIRECTIONS = 5
FALSE_ALARM = 1e-6  # chance that a test of unbiasedness fails although it holds
LIMIT = 1.1 * NormalDist().inv_cdf(1 - FALSE_ALARM / DIRECTIONS / 2)  # 1.1: Student's tails


@pytest.mark.parametrize("cell", [Elman(2), LSTM(2), MinGRU(2)], ids=lambda c: type(c).__name__)
def test_unbiased_over_seeds(cell):
    """Along each direction the mean of SEEDS gradients is RTRL's, within LIMIT standard errors.

    A bias of a third of a standard deviation would be found.
    """
    X, Y = wave(T, 2, 1)
    net = network(cell, RTRL(), 2, 1, seed=1)
    exact = gradients(net, X, Y)[1][-1]
    theta = net.state.theta.copy()
    samples = []
    for seed in range(SEEDS):
        net = _reseeded(cell, seed, theta)
        samples.append(gradients(net, X, Y)[1][-1])
    directions = np.random.default_rng(0).standard_normal((DIRECTIONS, exact.size))
    off = (np.array(samples) - exact) @ directions.T
    statistic = off.mean(axis=0) / (off.std(axis=0, ddof=1) / np.sqrt(SEEDS))
    assert (abs(statistic) < LIMIT).all(), statistic
    assert off.std() > 0.01 * np.linalg.norm(exact)  # it is noisy: not RTRL in disguise


NETWORKS = {}


def _reseeded(cell, seed, theta):
    net = NETWORKS.setdefault(cell, network(cell, UORO(), 2, 1))
    net.model = net.model._replace(learner=UORO(seed))
    net.state.theta[...] = theta
    return net


@pytest.mark.parametrize("cell", [Elman(3), LSTM(3)], ids=lambda c: type(c).__name__)
def test_vectors_are_those_of_the_paper(cell):
    """The recursion of the paper with explicit Jacobians and the signs that were drawn."""
    X, _ = wave(T, 2, 1)
    net = network(cell, UORO(5), 2, 1, seed=1)
    W = np.array(net.parameters()[0])
    rewind(net)
    layer, work = net.state.layers[0], net.work.layers[0]
    s, theta = np.zeros(layer.s.size), np.zeros(W.size)
    for t in range(T):
        net.prequential(X[t : t + 1], np.full((1, 1), np.nan))
        by_state, by_weight = jacobians(W, work.z, work.A, work.B)
        nu = work.learner.nu.ravel()
        s, pushed = by_state @ s, nu @ by_weight
        rho0 = np.sqrt((np.linalg.norm(theta) + 1e-7) / (np.linalg.norm(s) + 1e-7))
        rho1 = np.sqrt((np.linalg.norm(pushed) + 1e-7) / np.linalg.norm(nu))
        s, theta = rho0 * s + rho1 * nu, theta / rho0 + pushed / rho1
        assert np.allclose(layer.trace.s.ravel(), s, rtol=1e-9)
        assert np.allclose(layer.trace.theta.ravel(), theta, rtol=1e-9, atol=1e-12)


def test_signs_are_fair_and_independent():
    out, word = np.empty(20_000), np.array([12345], np.uint64)
    signs(word, out)
    assert set(out) == {-1.0, 1.0}
    for lag in (0, 1, 63, 64):
        mean = out.mean() if lag == 0 else (out[lag:] * out[:-lag]).mean()
        assert abs(mean) < 5 / np.sqrt(len(out) - lag)  # chance 6e-7 each
