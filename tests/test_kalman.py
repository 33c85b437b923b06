"""The Kalman filter's kernels against dense algebra, its guards, and how well it learns."""

import numpy as np
import pytest
from helpers import network, wave

from stream_rnn.cells import Elman
from stream_rnn.learners import TBPTT
from stream_rnn.losses import Logistic
from stream_rnn.optimizers import Kalman
from stream_rnn.optimizers.kalman import correct, measure, project, reset, unsettle

pytestmark = pytest.mark.usefixtures("interpreted")

Z, GROUPS = 6, 5


def pack(dense):
    """(n, Z, Z) as rows of the lower triangle (L, n)."""
    rows, columns = np.tril_indices(dense.shape[1])
    return np.ascontiguousarray(dense[:, rows, columns].T)


def random_covariances(rng):
    roots = rng.normal(size=(GROUPS, Z, Z))
    return roots @ roots.transpose(0, 2, 1)


def test_project_is_the_product_with_each_covariance():
    rng = np.random.default_rng(0)
    dense, q = random_covariances(rng), rng.normal(size=(Z, GROUPS))
    kappa = np.empty_like(q)
    assert project(pack(dense), q.ravel(), kappa.reshape(-1), 0) == q.size
    expected = np.einsum("ncd,dn->cn", dense, q)
    assert np.allclose(kappa, expected, rtol=1e-12)


def test_correct_is_the_rank_one_update_with_noise_on_the_diagonal():
    rng = np.random.default_rng(1)
    dense, kappa = random_covariances(rng), rng.normal(size=(Z, GROUPS)) * 0.1
    packed, alpha, noise = pack(dense), 3.0, 0.01
    assert correct(packed, kappa.ravel(), 0, 1 / alpha, noise, np.inf) == kappa.size
    expected = dense - np.einsum("cn,dn->ncd", kappa, kappa) / alpha + noise * np.eye(Z)
    assert np.allclose(packed, pack(expected), rtol=1e-12)


def test_the_diagonal_never_falls_below_the_noise():
    packed = pack(np.zeros((GROUPS, Z, Z)))
    correct(packed, np.ones(Z * GROUPS), 0, 1.0, 0.5, np.inf)
    assert np.allclose(packed[np.cumsum(np.arange(1, Z + 1)) - 1], 1.0)


def test_the_variance_of_a_silent_input_stays_at_the_prior():
    net = network(Elman(2), TBPTT(1), 2, 1, optimizer=Kalman(0.1, 1e-3), skip=True)
    X, Y = wave(200, 2)
    X[:, 1] = 0
    net.prequential(X, Y)
    for covariance in (*net.state.memory.layers, net.state.memory.readout):
        Z = int(np.sqrt(2 * len(covariance)))
        variances = covariance[np.cumsum(np.arange(1, Z + 1)) - 1]
        assert np.allclose(variances[-1], 0.1), "that of the silent input"
        assert variances.min() < 0.09 < variances.max() < 0.102


def test_reset_is_the_identity_times_the_prior():
    packed = np.full((Z * (Z + 1) // 2, GROUPS), 9.0)
    reset(packed, 0.25)
    assert np.array_equal(packed, pack(np.tile(0.25 * np.eye(Z), (GROUPS, 1, 1))))


def test_unsettle_adds_to_every_variance():
    packed = pack(random_covariances(np.random.default_rng(3)))
    expected = packed.copy()
    expected[[0, 2, 5, 9, 14, 20]] += 0.5
    unsettle(packed, 0.5)
    assert np.array_equal(packed, expected)


def test_a_confident_error_moves_its_logit_a_few_units_only():
    """v = 75, as of many features: along the tangent alone the logit would move by 42."""
    p, v = np.array([0.99]), 75.0
    slope = p[0] * (1 - p[0])
    a = slope**2 * v
    e, noise, _ = measure(Logistic(), np.zeros(1), p, 0, 1.0, a)
    assert -6 < v * slope * e / (noise + a) < -3
    e, noise, _ = measure(Logistic(), np.zeros(1), p, 0, 1.0, 0.0)  # what is certain: Eq. (1)
    assert (e, noise) == pytest.approx((-0.99, slope))


def test_an_unsettled_network_is_less_sure_of_all_its_weights():
    net = network(Elman(2), TBPTT(1), 3, 1, optimizer=Kalman(10.0, 0.0), skip=True)
    before = net.arrays()["memory.readout"].copy()
    net.unsettle(0.1)
    added = net.arrays()["memory.readout"] - before
    assert np.isin(added.round(6), [0.0, 1.0]).all()
    assert added.sum() == pytest.approx(len(net.parameters()[-1]))


def linear_stream(T, rng):
    X = rng.normal(size=(T, 3))
    return X, X @ np.array([[1.0], [-2.0], [0.5]]) + 3 + 0.1 * rng.normal(size=(T, 1))


def test_a_network_without_memory_is_recursive_least_squares():
    """With the recurrent part held at 0 the readout's filter is that of linear regression."""
    X, Y = linear_stream(200, np.random.default_rng(2))
    net = network(Elman(2), TBPTT(1), 3, 1, optimizer=Kalman(10.0, 0.0), skip=True)
    # h = 0 for ever: no derivative reaches the recurrent part while V[:H] = 0
    for matrix in net.parameters():
        matrix[...] = 0
    A = np.hstack([np.ones((200, 1)), X])
    mean, covariance, noise = np.zeros((4, 1)), 10.0 * np.eye(4), 1.0
    expected = []
    for n, (a, y) in enumerate(zip(A, Y, strict=True)):
        expected.append(a @ mean)
        kappa = covariance @ a
        e, alpha = y - a @ mean, noise + a @ kappa
        mean = mean + np.outer(kappa, e) / alpha
        covariance = covariance - np.outer(kappa, kappa) / alpha
        noise += max(0.005, 1 / (n + 10)) * (float(e[0]) ** 2 - noise)
    assert np.allclose(net.prequential(X, Y), expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_covariances_stay_positive(dtype):
    net = network(
        Elman(3), TBPTT(5), 2, 2, optimizer=Kalman(0.1, 1e-6), scale=True, dtype=dtype, seed=1
    )
    X, Y = wave(600, 2, 2)
    net.prequential(X, Y)
    packed = net.state.memory.layers[0].reshape(-1, 3)
    rows, columns = np.tril_indices(6)
    for group in packed.T:
        dense = np.zeros((6, 6))
        dense[rows, columns] = dense[columns, rows] = group
        assert np.linalg.eigvalsh(dense).min() > -1e-5 * dense.trace()
    assert net.counts["kalman_resets"] == 0


def test_a_covariance_that_explodes_is_reset_and_counted():
    net = network(Elman(3), TBPTT(5), 2, 1, optimizer=Kalman(0.1, 1e-6), scale=True, seed=1)
    X, Y = wave(50)
    net.prequential(X, Y)
    net.state.memory.readout[0, 0] = 1e20
    theta = net.state.theta.copy()
    net.prequential(X[:1], Y[:1])
    assert net.counts["kalman_resets"] == 1
    assert np.array_equal(net.state.theta, theta)
    assert np.array_equal(net.state.memory.readout[:3, 0].round(6), [0.1, 0, 0.1])
    P = net.prequential(X, Y)
    assert np.isfinite(P).all()
    assert net.counts["nonfinite_rollbacks"] == 0
