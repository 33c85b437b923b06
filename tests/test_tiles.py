"""The compiled pass over RTRL's influence equals the sums of its equation."""

import numpy as np
import pytest

from stream_rnn.codegen.dispatch import compiled
from stream_rnn.codegen.tiles import COLUMNS
from stream_rnn.learners.own_tiles import carry_rows, weigh_rows
from stream_rnn.learners.rtrl import LARGEST, WIDEST, panels
from stream_rnn.learners.tiles import propagate


@compiled
def run(M, B, D, z, T, S):
    propagate(M, B, D, z, T, S)


def naive(M, B, D, z, S):
    """S[k,i,c] = z[c] D[k,i,c] + Σ_{l≥1} B[k,l,i] S[l,i,c] + Σ_j M[j,k,i] S[0,j,c]."""
    new = np.zeros_like(S)
    K, H, C = S.shape
    for k in range(K):
        for i in range(H):
            for c in range(C):
                new[k, i, c] = z[c] * D[k, i, c]
                new[k, i, c] += sum(B[k, l, i] * S[l, i, c] for l in range(1, K))
                new[k, i, c] += sum(M[j, k, i] * S[0, j, c] for j in range(H))
    return new


@pytest.mark.parametrize("K", [1, 2, 3])
@pytest.mark.parametrize("H", [1, 3, 4, 8, 9, 13, 17])
@pytest.mark.parametrize("C", [1, 16, 31, 33, 64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_shape_of_panel(K, H, C, dtype):
    """Also where units and columns do not fill the last tile; and nothing else is written."""
    rng = np.random.default_rng(100 * K + H + C)
    M, B, D, z = (
        rng.normal(size=shape).astype(dtype) for shape in ((H, K, H), (K, K, H), (K, H, C), C)
    )
    around = rng.normal(size=(3, K, H, C)).astype(dtype)
    before = around.copy()
    T = np.full((K, H, COLUMNS), np.nan, dtype)
    run(M, B, D, z, T, around[1])
    exact = naive(*(a.astype(np.float64) for a in (M, B, D, z, before[1])))
    tolerance = 64 * H * np.finfo(dtype).eps
    assert np.allclose(around[1], exact, rtol=tolerance, atol=tolerance)
    assert np.array_equal(around[::2], before[::2])
    interpreted = before[1].copy()
    propagate(M, B, D, z, T, interpreted)
    assert np.allclose(interpreted, exact, rtol=tolerance, atol=tolerance)


@compiled
def run_own(D, A, z, T):
    carry_rows(D, A, z, T)


@pytest.mark.parametrize("K", [1, 2])
@pytest.mark.parametrize("n", [1, 15, 32, 45, 64])
@pytest.mark.parametrize("Z", [1, 5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_shape_of_own_rows(K, n, Z, dtype):
    rng = np.random.default_rng(K + n + Z)
    D, A, z = (rng.normal(size=shape).astype(dtype) for shape in ((K, K, n), (K, n), Z))
    around = rng.normal(size=(3, K, Z, n)).astype(dtype)
    before = around.copy()
    run_own(D, A, z, around[1])
    exact = np.empty((K, Z, n))
    for k in range(K):
        for c in range(Z):
            for p in range(n):
                carried = sum(float(D[k, l, p]) * before[1, l, c, p] for l in range(K))
                exact[k, c, p] = carried + float(A[k, p]) * z[c]
    tolerance = 32 * np.finfo(dtype).eps
    assert np.allclose(around[1], exact, rtol=tolerance, atol=tolerance)
    assert np.array_equal(around[::2], before[::2])
    interpreted = before[1].copy()
    carry_rows(D, A, z, interpreted)
    assert np.allclose(interpreted, exact, rtol=tolerance, atol=tolerance)


@compiled
def run_weigh(w, T, g):
    weigh_rows(w, T, g)


@pytest.mark.parametrize("n", [1, 15, 32, 45, 64])
@pytest.mark.parametrize("Z", [1, 5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_shape_of_weighed_rows(n, Z, dtype):
    rng = np.random.default_rng(n + Z)
    w, T = rng.normal(size=n).astype(dtype), rng.normal(size=(Z, n)).astype(dtype)
    around = rng.normal(size=(3, Z, n)).astype(dtype)
    before = around.copy()
    run_weigh(w, T, around[1])
    assert np.array_equal(around[1], [[w[p] * T[c, p] for p in range(n)] for c in range(Z)])
    assert np.array_equal(around[::2], before[::2])
    weigh_rows(w, T, before[1])
    assert np.array_equal(before[1], around[1])


@pytest.mark.parametrize(
    ("Z", "G", "H"), [(27, 4, 16), (21, 4, 10), (5, 1, 3), (1, 4, 1), (43, 4, 32)]
)
@pytest.mark.parametrize("K", [1, 2])
def test_panels_hold_all_rows(Z, G, H, K):
    N, b = panels(Z, G, H, K)
    assert N * b >= Z
    assert (N - 1) * b < Z
    assert b == 1 or K * H * b * G * H <= LARGEST
    if N > 1 and b < WIDEST and K * H * (b + 1) * G * H <= LARGEST:  # more rows cost more
        assert -(-Z // (b + 1)) * -(-(b + 1) * G * H // COLUMNS) > N * -(-b * G * H // COLUMNS)
