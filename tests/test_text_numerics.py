"""The polynomials against NumPy, the small matrix kernels against einsum."""

import numpy as np
import pytest
from helpers import MachineCode
from hypothesis import given
from hypothesis import strategies as st

from stream_rnn.numerics import float32 as numerics

M = MachineCode(numerics)

finite = st.floats(-1e4, 1e4, width=32)


@pytest.mark.parametrize(
    ("ours", "theirs", "low", "high", "relative"),
    [
        (M.tanh, np.tanh, -12, 12, 2e-6),
        (M.sigmoid, lambda x: 1 / (1 + np.exp(-x)), -12, 12, 2e-6),
        (M.exp, np.exp, -27, 0, 1e-5),
        (M.log, np.log, 1e-30, 4, 1e-5),
    ],
)
def test_functions(ours, theirs, low, high, relative):
    x = np.linspace(low, high, 4001).astype(np.float32)
    got = np.array([ours(v) for v in x])
    expected = theirs(x.astype(np.float64))
    np.testing.assert_allclose(got, expected, rtol=relative, atol=2e-6 * (ours is not M.exp))


@given(st.lists(finite, min_size=1, max_size=70))
def test_softmax_sums_to_one(values):
    x, out = np.array(values, np.float32), np.zeros(len(values), np.float32)
    M.softmax_into(x, len(x), out)
    e = np.exp(np.maximum(x.astype(float) - x.max(), -27.7))
    np.testing.assert_allclose(out, e / e.sum(), atol=3e-6)
    assert abs(out.sum() - 1) < 1e-5


@pytest.mark.parametrize("n", [1, 3, 4, 9])
def test_matrix_kernels(n):
    rng = np.random.default_rng(n)
    rows, u, x = (rng.normal(size=s).astype(np.float32) for s in ((n, 37), n, 37))
    out = np.ones(37, np.float32)
    M.add_combination(u, rows, n, 37, out)
    np.testing.assert_allclose(out, 1 + np.einsum("i,ij->j", u, rows), rtol=1e-4, atol=1e-5)
    out = np.zeros(n, np.float32)
    M.rows_dot(rows, x, n, 37, out)
    np.testing.assert_allclose(out, np.einsum("ij,j->i", rows, x), rtol=1e-4, atol=1e-5)
    moved = rows.copy()
    M.add_outer(np.float32(0.5), u, x, n, 37, moved)
    np.testing.assert_allclose(moved, rows + 0.5 * np.outer(u, x), rtol=1e-4, atol=1e-5)


def test_uniform_depends_on_its_arguments_alone():
    draws = np.array([[M.uniform(7, i, j) for j in range(50)] for i in range(50)])
    assert draws[3, 4] == M.uniform(7, 3, 4) != M.uniform(8, 3, 4)
    assert -1 <= draws.min() < -0.9 < 0.9 < draws.max() < 1
    assert abs(draws.mean()) < 0.05
