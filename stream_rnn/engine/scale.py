"""Running standardisation that never looks ahead.

Each column keeps a mean μ and variance v by exponential averages whose rate is
max(1/n, 1/memory): the exact mean and variance of everything seen, until *memory* records
were, and a slowly forgetting one after that.  With rate ρ and deviation d = x − μ:

    μ ← μ + ρ d,   v ← (1 − ρ)(v + ρ d²)                                        (1)

A value is standardised by the statistics of the records before it: (x − μ)/√v, held
within ±limit.  A missing value (NaN) stands for the mean: 0.  All in float64.
"""

from math import isnan, sqrt
from typing import Annotated, NamedTuple

from ..codegen.dispatch import generic
from ..numerics.trees import Float

LARGEST = 1e150  # deviation whose square float64 can hold: a variance of inf would be for ever


class Standard(NamedTuple):
    """Standardise by running mean and variance; *limit* holds outliers at that many deviations."""

    memory: float = 10_000.0
    limit: float = 6.0


class Unscaled(NamedTuple):
    """Leave values as they are; a missing value is 0."""


class Moments(NamedTuple):
    """Running statistics of m columns."""

    count: Annotated[Float, "m"]
    mean: Annotated[Float, "m"]
    variance: Annotated[Float, "m"]


@generic
def observe(scale, moments, raw):
    """Take the values *raw* (m,) into the statistics: Eq. (1)."""


@generic
def standardise(scale, moments, raw, out):
    """Write the standardised values of *raw* (m,) into *out*; NaN becomes 0."""


@generic
def express(scale, moments, raw, out):
    """Write targets *raw* in standard units into *out*: no limit, and NaN stays NaN."""


@generic
def recover(scale, moments, value, out):
    """Write values in standard units back in their own units."""


@observe.register
def observe_standard(scale: Standard, moments, raw):
    for j in range(raw.size):
        x = raw[j]
        if not isnan(x):
            moments.count[j] += 1
            rate = max(1 / moments.count[j], 1 / scale.memory)
            d = max(-LARGEST, min(LARGEST, x - moments.mean[j]))
            moments.mean[j] += rate * d
            moments.variance[j] = (1 - rate) * (moments.variance[j] + rate * d * d)


@standardise.register
def standardise_standard(scale: Standard, moments, raw, out):
    for j in range(raw.size):
        deviation = sqrt(moments.variance[j])
        z = (raw[j] - moments.mean[j]) / deviation if deviation > 0 else 0.0
        out[j] = 0.0 if isnan(z) else max(-scale.limit, min(scale.limit, z))


@express.register
def express_standard(scale: Standard, moments, raw, out):
    for j in range(raw.size):
        deviation = sqrt(moments.variance[j])
        if isnan(raw[j]):
            out[j] = raw[j]
        else:
            out[j] = (raw[j] - moments.mean[j]) / deviation if deviation > 0 else 0.0


@recover.register
def recover_standard(scale: Standard, moments, value, out):
    for j in range(value.size):
        out[j] = moments.mean[j] + sqrt(moments.variance[j]) * value[j]


@observe.register
def observe_unscaled(scale: Unscaled, moments, raw):
    pass


@standardise.register
def standardise_unscaled(scale: Unscaled, moments, raw, out):
    for j in range(raw.size):
        out[j] = 0.0 if isnan(raw[j]) else raw[j]


@express.register
def express_unscaled(scale: Unscaled, moments, raw, out):
    for j in range(raw.size):
        out[j] = raw[j]


@recover.register
def recover_unscaled(scale: Unscaled, moments, value, out):
    for j in range(value.size):
        out[j] = value[j]
