"""An optimizer alone, in plain Python: where it goes on a function that one can look at."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..numerics.trees import zeros
from .base import chain_of, memory_of, update


def trial(optimizer: Any, theta: Any, gradient: Callable, steps: int) -> np.ndarray:
    """θ (P,) after so many *steps* of a first-order optimizer or chain; ∂L/∂θ = gradient(θ).

    >>> from stream_rnn import SGD
    >>> trial(SGD(0.5), [4.0, -8.0], lambda theta: theta, 2)  # L = |θ|²/2
    array([ 1., -2.])
    """
    links = optimizer if type(optimizer) is tuple else (optimizer,)
    theta = np.array(theta, float)
    chain = chain_of(links[0], links)
    memory = zeros(memory_of(chain, {"P": theta.size}, [theta.shape], theta.dtype))
    for _ in range(steps):
        g = np.array(gradient(theta), float)
        update(chain, theta, g, memory, 0)
        theta += g
    return theta
