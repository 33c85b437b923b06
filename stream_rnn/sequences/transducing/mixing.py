"""The candidates of both members, weighed log-linearly, with weights that are learned online.

    p(y | x) = softmax over the candidates y of  w · f(x, y),
    f = (ln p_joint(x, y), ln p_network(y | x), |y|)                                     (1)

Before the members learn a record, w takes a Newton step up ln p(true target), the Fisher
information I being that of the records before, which fades:

    I ← λ I + Cov_p(f),   w ← w + I⁻¹ (f(true) − E_p f)                                  (2)

A record whose true target is no candidate moves nothing: it says that all of them are bad, not
which member to believe.  (Och & Ney 2002; Amari 1998.)
"""

from typing import Annotated, NamedTuple

import numpy as np

from ...numerics.trees import Float, allocate

FADING = 0.998  # λ
PRIOR = 20.0  # I at the start, for the two logarithms
PRIOR_LENGTH = 200.0
LARGEST = 5.0  # of a weight
LOWEST = -1e4  # a logarithm that is −∞


class Mixing(NamedTuple):
    """w and I."""

    w: Annotated[Float, "3"]
    information: Annotated[Float, "3 3"]


def create() -> Mixing:
    """At first the joint model alone is believed."""
    new: Mixing = allocate(Mixing, {})
    new.w[:] = 1, 0, 0
    new.information[...] = np.diag([PRIOR, PRIOR, PRIOR_LENGTH])
    return new


def shares(mixing: Mixing, f: np.ndarray) -> np.ndarray:
    """Eq. (1) for the candidates f (n, 3)."""
    scores = np.maximum(f, LOWEST) @ mixing.w
    p = np.exp(scores - scores.max())
    return p / p.sum()


def learn(mixing: Mixing, f: np.ndarray, true: int) -> None:
    """Eq. (2); candidate *true* was right.

    >>> mixing = create()
    >>> for _ in range(100):  # the second member is right, the first is not
    ...     learn(mixing, np.array([[-1.0, -5.0, 1.0], [-5.0, -1.0, 1.0]]), 1)
    >>> bool(shares(mixing, np.array([[-1.0, -3.0, 1.0], [-2.0, -1.0, 1.0]]))[1] > 0.8)
    True
    """
    f = np.maximum(f, LOWEST)
    p = shares(mixing, f)
    mean = p @ f
    centred = f - mean
    mixing.information[...] *= FADING
    mixing.information[...] += (centred * p[:, None]).T @ centred
    floor = (1 - FADING) * np.diag([PRIOR, PRIOR, PRIOR_LENGTH])
    mixing.information[...] += floor
    step = np.linalg.solve(mixing.information, f[true] - mean)
    mixing.w[:] = np.clip(mixing.w + step, [0, 0, -LARGEST], LARGEST)
