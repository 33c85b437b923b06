"""Pointwise nonlinearities: scalar functions for kernels, and specs where a cell has a choice.

float64 uses the C library, so that difference quotients are exact to rounding.  float32
uses the 13/6 rational minimax approximation of tanh known from Eigen (largest error about
4 units in the last place), which is branch-free and therefore vectorises.
"""

from math import tanh as libm_tanh
from typing import NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from ..codegen.dispatch import INNER, generic, kernel
from ..codegen.inlined import anew

_NUMERATOR = (
    4.89352455891786e-03,
    6.37261928875436e-04,
    1.48572235717979e-05,
    5.12229709037114e-08,
    -8.60467152213735e-11,
    2.00018790482477e-13,
    -2.76076847742355e-16,
)
_DENOMINATOR = (
    4.89352518554385e-03,
    2.26843463243900e-03,
    1.18534705686654e-04,
    1.19825839466702e-06,
)
A1, A3, A5, A7, A9, A11, A13 = (np.float32(v) for v in _NUMERATOR)
B0, B2, B4, B6 = (np.float32(v) for v in _DENOMINATOR)
SATURATION = np.float32(7.90531110763549805)
HALF, ONE = np.float32(0.5), np.float32(1.0)


def rational_tanh(x):
    """tanh of a float32; other loops compile it in their own way."""
    x = max(-SATURATION, min(SATURATION, x))
    q = x * x
    p = x * (A1 + q * (A3 + q * (A5 + q * (A7 + q * (A9 + q * (A11 + q * A13))))))
    return p / (B0 + q * (B2 + q * (B4 + q * B6)))


_rational_tanh = kernel(anew(rational_tanh))


def tanh(x):
    """Hyperbolic tangent of a scalar, in the precision of its type."""
    return _rational_tanh(x) if isinstance(x, np.float32) else libm_tanh(x)


def sigmoid(x):
    """Logistic function of a scalar: (1 + tanh(x/2)) / 2, in the precision of its type."""
    if isinstance(x, np.float32):
        return HALF * (ONE + _rational_tanh(HALF * x))
    return 0.5 * (1.0 + libm_tanh(0.5 * x))


@overload(tanh, jit_options=INNER)
def _compile_tanh(x):
    if x == types.float32:
        return lambda x: _rational_tanh(x)
    return lambda x: libm_tanh(x)


@overload(sigmoid, jit_options=INNER)
def _compile_sigmoid(x):
    if x == types.float32:
        return lambda x: HALF * (ONE + _rational_tanh(HALF * x))
    return lambda x: 0.5 * (1.0 + libm_tanh(0.5 * x))


class Tanh(NamedTuple):
    """h = tanh(a).

    >>> round(squash(Tanh(), 0.5), 4)
    0.4621
    """

    gain: float = 1.0  # variance of the initial weights is gain / fan-in (Xavier)


class ReLU(NamedTuple):
    """h = max(0, a).

    >>> [squash(ReLU(), a) == max(0, a) for a in (-2.0, 2.0)]
    [True, True]
    """

    gain: float = 2.0  # He et al. 2015


@generic
def squash(activation, a):
    """Value of the nonlinearity at pre-activation a."""


@generic
def steepness(activation, h):
    """Derivative of the nonlinearity, as a function of its value h."""


@squash.register
def tanh_value(activation: Tanh, a):
    return tanh(a)


@steepness.register
def tanh_slope(activation: Tanh, h):
    return 1.0 - h * h


@squash.register
def relu_value(activation: ReLU, a):
    return max(a, 0.0 * a)


@steepness.register
def relu_slope(activation: ReLU, h):
    return 1.0 if h > 0.0 else 0.0


ACTIVATIONS = {spec.__name__: spec for spec in (Tanh, ReLU)}
