"""The season of far steps: the shortest one of which what is found is made.

The changes of hours are alike after one day, and more alike after a week, or, by chance, after
eleven days; the period finder takes the lag after which they are most alike.  Here the lag of
which most is explained: r, the autocorrelation of changes, is taken at all its multiples,

    s_k = (1/n) Σ_{i=1..n} r_{ik};   z_k = s_k·√(n·t)

n ≤ 8 multiples, t changes (the comb of pitch detection; see Schroeder 1968).  z is s in standard
errors of what has no season.
"""

import numpy as np

from ..inputs.period import LONGEST, SHORTEST, Period

MULTIPLES = 8
SURE = 5.0  # z
LARGER = 1.1  # times the z of a shorter one
ALIKE, VALLEY = 0.05, 0.5  # least s; some shorter lag must be below that share of it


def fundamental(period: Period, t: int) -> int:
    """The season after *t* changes; 0 for none."""
    r = autocorrelation(period.products, t)
    s, n = comb(r)
    z = s * np.sqrt(n * t)
    lowest = np.minimum.accumulate(np.concatenate([[np.inf], r[1:]]))
    best, where = SURE, 0
    for k in range(SHORTEST, len(s) - 1):
        peak = s[k] > s[k - 1] and s[k] >= s[k + 1]
        if peak and s[k] > ALIKE and lowest[k - 1] < VALLEY * s[k] and z[k] > best:
            best, where = LARGER * z[k], k
    return where


def autocorrelation(products: np.ndarray, t: int) -> np.ndarray:
    """r_k = (c_k / c_0)·t/(t − k), for lags from 0 to half of what there is, at most LONGEST."""
    most = max(0, min(LONGEST, t // 2))
    k = np.arange(most + 1)
    return products[: most + 1] / (products[0] + 1e-12) * t / np.maximum(1, t - k)


def comb(r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """s and n by lag; for lag 0 they mean nothing."""
    k = np.arange(len(r))
    n = np.minimum(MULTIPLES, (len(r) - 1) // np.maximum(1, k))
    total = np.zeros(len(r))
    for i in range(1, MULTIPLES + 1):
        most = (len(r) - 1) // i + 1
        total[:most] += r[: (most - 1) * i + 1 : i]
    return total / np.maximum(1, n), n
