"""Readable references for the approximate learners, written from their definitions.

RTRL here is one dense matrix recurrence over all parameters; an approximation is what it
throws away: SnAp-1 every influence on another unit's state, RFLO the recurrent weights'
part of the Jacobian.
"""

import numpy as np
from naive import jacobians


def own_parameters(K, Z, G, H):
    """1 where parameter (c, g, n) belongs to unit i of state (k, i): (K·H, Z·G·H)."""
    own = np.zeros((K, H, Z, G, H))
    for i in range(H):
        own[:, i, :, :, i] = 1
    return own.reshape(K * H, Z * G * H)


def snap1(W, records, diagonal):
    """dh/dW by record, (H, Z, G, H): dense RTRL, then what is not a unit's own set to 0."""
    return _recur(W, records, diagonal)


def rflo(W, records, diagonal):
    """dh/dW by record: as if no unit read another's state, nor its own through W."""
    return _recur(W, records, diagonal=True)


def _recur(W, records, diagonal):
    influence = None
    for z, A, B in records:
        K, G, H = A.shape
        by_state, by_weight = jacobians(W, z, A, B, diagonal)
        if influence is None:
            influence = np.zeros_like(by_weight)
        influence = by_state @ influence + by_weight
        influence *= own_parameters(K, len(z), G, H)
        yield influence[:H].reshape(H, *W.shape)
