"""Stacking: a Kalman filter that corrects an aggregation by what its experts disagree on."""

from typing import Annotated, NamedTuple

import numpy as np

from ...codegen.dispatch import loose_kernel
from ...numerics import trees
from ...numerics.trees import SCRATCH, Float
from ..experts import least_squares as kalman

HUBER = (1.5, 4.0)  # deviations, for the median and the mean head
PRIOR = 0.03
NOISE_FLOOR = 1e-12


class Stack(NamedTuple):
    """(y − p)/leap = wᵀ(p_k − p)/leap + noise, w of mean 0 and constant; one for each head."""

    weights: Annotated[Float, "heads K"]
    covariance: Annotated[Float, "heads K K"]
    noise: Annotated[Float, "heads"]
    prior: Annotated[Float, "K"]
    scratch: Annotated[Float, "2 K", SCRATCH]


def allocate(count: int, heads: int = 2) -> Stack:
    """No correction yet."""
    new = trees.allocate(Stack, {"K": count, "heads": heads})
    new.covariance[:], new.noise[:], new.prior[:] = np.eye(count) * PRIOR, 1, PRIOR
    return new


def unsettle(stack: Stack, share: float) -> None:
    """P ← P + share·diag(prior)."""
    k = np.arange(len(stack.prior))
    stack.covariance[:, k, k] += share * stack.prior


@loose_kernel
def correction(stack, head, experts, combined, leap):
    """wᵀ(p_k − p)/leap, in leaps."""
    weights = stack.weights[head]
    total = 0.0
    for k in range(len(experts)):
        total += weights[k] * ((experts[k] - combined) / leap)
    return total


@loose_kernel
def learn(stack, head, experts, combined, leap, truth, rate):
    """One measurement: how far *combined* was off, explained by the *experts* (K,)."""
    x = stack.scratch[0]
    for k in range(len(experts)):
        x[k] = (experts[k] - combined) / leap
    noise = kalman.update(
        stack.covariance[head],
        stack.weights[head],
        x,
        stack.prior,
        0.0,
        1.0,
        stack.noise[head],
        (truth - combined) / leap,
        rate,
        HUBER[head],
        NOISE_FLOOR,
        stack.scratch[1],
    )
    stack.noise[head] = abs(noise)
