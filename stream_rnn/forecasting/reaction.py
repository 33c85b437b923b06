"""What a bank of experts does when its errors have grown: trust less what it has learned."""

import numpy as np

from .bank import Bank
from .experts.linear import Filters
from .experts.lstm import Networks

SHARE = 0.1  # of the prior variance that every weight gets back
WIDER = 1.5


def react(bank: Bank, kind: str) -> None:
    """*kind* is ``"noise"``, ``"widen"`` or ``"both"``."""
    if kind in ("noise", "both"):
        unsettle(bank)
    if kind in ("widen", "both"):
        bank.interval.width[...] *= WIDER


def unsettle(bank: Bank) -> None:
    """P ← P + .1·diag(prior) in every Kalman filter: one burst of process noise.

    The filters then learn for a while as quickly as they did at the start, and go on from
    the weights they have.
    """
    for group in bank.groups:
        if isinstance(group, Filters):
            for i in range(len(group.noise)):
                prior = group.prior[group.start[i] : group.start[i + 1]]
                square = group.covariance[group.square[i] : group.square[i + 1]]
                square[:: len(prior) + 1] += SHARE * prior
        elif isinstance(group, Networks):
            n, d = np.arange(len(group.prior)), np.arange(group.w.shape[1])
            group.v_covariance[:, n, n] += np.float32(SHARE) * group.prior
            priors = np.float32(SHARE) * group.motion[:, 0]
            group.w_covariance[:, d, d, :] += priors[:, None, None]
    stacked = bank.mix.stacked
    k = np.arange(len(stacked.prior))
    stacked.covariance[:, k, k] += SHARE * stacked.prior
