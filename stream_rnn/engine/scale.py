"""Running standardisation that never looks ahead, and that a wrong value does not spoil.

A value is standardised by the statistics of the records before it (`moments`): (x − μ)/√v,
held within ±limit.  A missing value (NaN) stands for the mean: 0.  All in float64.

A value that is far (see `moments`) is probably wrong, or else the first of a new level.  As a
target it is not learned; as an input it is held at the limit, and those that come while it is
open which of both it is are passed over as if missing.
"""

from functools import singledispatch
from math import isnan, nan, sqrt
from typing import NamedTuple

from ..codegen.dispatch import generic, kernel
from .moments import bound, take


class Standard(NamedTuple):
    """Standardise by running mean and variance; *limit* holds outliers at that many deviations.

    Beyond *far* deviations a value is not taken at face value (see `moments`).
    """

    memory: float = 10_000.0
    limit: float = 6.0
    far: float = 10.0


class Unscaled(NamedTuple):
    """Leave values as they are; a missing value is 0."""


@singledispatch
def standardises(scale) -> bool:
    """Whether values are expressed in units of running statistics."""
    return False


@standardises.register
def _(scale: Standard) -> bool:
    return True


@generic
def observe(scale, moments, raw):
    """Take the values *raw* (m,) into the statistics."""


@generic
def standardise(scale, moments, raw, out):
    """Write the standardised values of *raw* (m,) into *out*; NaN becomes 0."""


@generic
def express(scale, moments, raw, out):
    """Write observed targets *raw* in standard units into *out*: NaN where nothing is learned."""


@generic
def recover(scale, moments, value, out):
    """Write values in standard units back in their own units."""


@generic
def express_by(scale, mean, variance, most, raw, out):
    """Write *raw* in units of these statistics into *out*, within ±most; NaN stays."""


@generic
def recover_by(scale, mean, variance, value):
    """Rewrite values in units of these statistics in their own units."""


@observe.register
def observe_standard(scale: Standard, moments, raw):
    for j in range(raw.size):
        if not isnan(raw[j]):
            take(moments, j, raw[j], scale.far, scale.memory)


@standardise.register
def standardise_standard(scale: Standard, moments, raw, out):
    for j in range(raw.size):
        deviation = sqrt(moments.variance[j])
        known = deviation > 0 and not isnan(raw[j]) and not waits(scale, moments, j, raw[j])
        z = (raw[j] - moments.mean[j]) / deviation if known else 0.0
        out[j] = max(-scale.limit, min(scale.limit, z))


@express.register
def express_standard(scale: Standard, moments, raw, out):
    for j in range(raw.size):
        deviation = sqrt(moments.variance[j])
        if isnan(raw[j]) or moments.doubted[j] > 0:
            out[j] = nan
        else:
            out[j] = (raw[j] - moments.mean[j]) / deviation if deviation > 0 else 0.0


@express_by.register
def express_by_standard(scale: Standard, mean, variance, most, raw, out):
    for j in range(raw.size):
        if isnan(raw[j]):
            out[j] = nan
        elif variance[j] > 0:
            out[j] = max(-most, min(most, (raw[j] - mean[j]) / sqrt(variance[j])))
        else:
            out[j] = 0.0


@recover_by.register
def recover_by_standard(scale: Standard, mean, variance, value):
    for j in range(value.size):
        value[j] = mean[j] + sqrt(variance[j]) * value[j]


@kernel
def waits(scale, moments, j, x):
    """Whether x is far, as others just before it were."""
    if moments.far[j] == 0:
        return False
    return abs(x - moments.mean[j]) > max(bound(scale.far, moments, j), moments.granted[j])


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


@express_by.register
def express_by_unscaled(scale: Unscaled, mean, variance, most, raw, out):
    for j in range(raw.size):
        out[j] = raw[j]


@recover_by.register
def recover_by_unscaled(scale: Unscaled, mean, variance, value):
    pass
