"""Every step ahead from the season at that step's own time: a Kalman filter for each horizon.

The forecast of S[t+h] starts from the value one season (or as many as are needed) before it,
b = S[t+h−km], k = ⌈h/m⌉; what is learned is how far the truth is from there:

    (S[t+h] − b)/unit = wᵀx + N(0, R),  unit the root mean square of S[t+h] − b

x holds differences between b and its neighbours, the value a week before, the weeks' forecast
(`weeks`) and the seasonal profile, and how far the series is now from where it was.  With all
weights 0 it is the seasonal naive forecast.  Without a season b is the last value.
"""

from math import sqrt
from typing import Annotated, NamedTuple

from ...codegen.dispatch import loose_kernel
from ...numerics import trees
from ...numerics.trees import SCRATCH, Float
from ..inputs.scale import follow
from ..kernels import clip
from .weeks import WEEK

INPUTS = 14
PRIOR, DRIFT = 0.01, 3e-5  # of a weight: its variance at first, growth relative to that
CLIP, LIMIT = 4.0, 6.0  # of an input, of what is forecast, in units
HUBER = 1.5
NOISE_RATE, NOISE_FLOOR, SIZE_RATE = 0.005, 1e-6, 0.002
PROFILE_RATE, LEVEL_RATE = 0.1, 0.005
ANOMALY, DAILY, QUARTER, CHANGE, LEVEL = range(5)


class Aligned(NamedTuple):
    """H filters side by side: the horizon is the last axis, so that they go in step."""

    rows: Annotated[Float, "H INPUTS H"]  # ring: inputs of record s for each horizon
    bases: Annotated[Float, "H H"]  # ring: b
    weights: Annotated[Float, "INPUTS H"]
    covariance: Annotated[Float, "INPUTS INPUTS H"]  # the lower triangle
    noise: Annotated[Float, "H"]  # R
    size: Annotated[Float, "H"]  # unit²
    profile: Annotated[Float, "2 m"]  # mean of each phase, how many values it is of
    state: Annotated[Float, "5"]  # deviation from the profile now, its means over a season and
    # a quarter, mean change within a season, level
    gain: Annotated[Float, "4 INPUTS H", SCRATCH]  # inputs, P·x; error and 1/α in the third


def allocate(horizon: int, season: int) -> Aligned:
    """Nothing learned, for a *season* of so many records (0 for none)."""
    sizes = {"H": horizon, "INPUTS": INPUTS, "m": max(1, season)}
    new = trees.allocate(Aligned, sizes)
    for i in range(INPUTS):
        new.covariance[i, i] = PRIOR
    new.noise[:] = 1
    return new


def span(horizon: int, season: int) -> int:
    """How many records it looks back."""
    return WEEK * max(1, season) + 2 * horizon + 2


@loose_kernel
def warm_up(season):
    """How many records go by before the first row."""
    return 2 * season if season > 0 else 2


@loose_kernel
def observe(aligned, past, t, season, weeks, known):
    """Take in record *t* (from 0), ``past[0]``: the profile, the means, then the inputs.

    *weeks* (H,) is what `weeks.forecast` says, if it is *known*.
    """
    state, profile = aligned.state, aligned.profile
    state[LEVEL] += max(LEVEL_RATE, 1.0 / (t + 1)) * (past[0] - state[LEVEL])
    m = max(1, season)
    phase = t % m
    profile[1, phase] += 1
    if profile[1, phase] == 1:
        profile[0, phase] = past[0]
    deviation = past[0] - profile[0, phase]
    profile[0, phase] += max(PROFILE_RATE, 1.0 / profile[1, phase]) * deviation
    state[ANOMALY] = past[0] - profile[0, phase]
    state[DAILY] += 2.0 / (m + 1) * (state[ANOMALY] - state[DAILY])
    state[QUARTER] += 2.0 / (max(1, m // 4) + 1) * (state[ANOMALY] - state[QUARTER])
    if t >= m:
        state[CHANGE] += 2.0 / (m + 1) * ((past[0] - past[m]) - state[CHANGE])
    if t >= warm_up(season):
        slot = t % len(aligned.noise)
        rows, bases = aligned.rows[slot], aligned.bases[slot]
        _rows(rows, bases, profile[0], state, past, t, season)
        for j in range(len(bases)):
            rows[9, j] = weeks[j] - bases[j] if known else 0.0


@loose_kernel
def _rows(rows, bases, profile, state, past, t, season):
    """The inputs (INPUTS, H) of record *t* but the ninth, in units of the series, and b (H,)."""
    m = max(1, season)
    for j in range(len(bases)):
        h = j + 1
        k = j // m + 1 if season > 0 else 1
        back = k * m - h if season > 0 else 0
        base = past[back]
        bases[j] = base
        whole = (j // (WEEK * m) + 1) * WEEK * m - h if season > 0 else WEEK - 1
        rows[0, j] = 1.0
        rows[1, j] = past[0] - past[k * m] if k * m <= t else 0.0
        rows[2, j] = k * state[CHANGE]
        rows[3, j] = state[QUARTER]
        rows[4, j] = profile[(t + h) % m] - base
        rows[5, j] = state[ANOMALY]
        rows[6, j] = state[DAILY]
        rows[7, j] = past[back + m] - base if back + m <= t else 0.0
        rows[8, j] = past[whole] - base if whole <= t else 0.0
        rows[10, j] = state[LEVEL] - base
        rows[11, j] = past[back + 1] - base
        rows[12, j] = past[back - 1] - base if back > 0 else 0.0
        rows[13, j] = 0.0
        if k * m < t and season > 0:
            rows[13, j] = (past[0] - past[1]) - (past[k * m] - past[k * m + 1])


@loose_kernel
def learn(aligned, truth, t, season):
    """The *truth*, record t, was forecast by every horizon h from record t − h."""
    H = len(aligned.noise)
    x, gain, error, shrink = aligned.gain
    for j in range(H):
        n = t - 1 - j - warm_up(season)  # truths seen before
        shrink[0, j] = 0.0
        error[0, j] = 0.0
        if n < 0 or truth != truth:
            for i in range(INPUTS):
                x[i, j] = 0.0
            continue
        slot = (t - 1 - j) % H
        apart = truth - aligned.bases[slot, j]
        rate = max(SIZE_RATE, 1.0 / (n + 1))
        aligned.size[j] = follow(aligned.size[j], apart, rate)
        unit = sqrt(aligned.size[j]) if aligned.size[j] > 0 else 1.0
        x[0, j] = 1.0
        for i in range(1, INPUTS):
            x[i, j] = clip(aligned.rows[slot, i, j] / unit, CLIP)
        error[0, j] = clip(apart / unit, LIMIT)
        shrink[0, j] = max(NOISE_RATE, 1.0 / (n + 11))
    _update(aligned.covariance, aligned.weights, aligned.noise, x, gain, error[0], shrink[0])


@loose_kernel
def _update(P, w, noise, x, gain, error, shrink):
    """`least_squares.update` for all horizons at once; *error* begins as y, *shrink* as the rate.

    g = P x;  a = xᵀg;  e = y − wᵀx;  ω = min(1, 1.5·√(R + a)/|e|);  α = R/ω + a
    w += g·e/α;  P ← P − g gᵀ/α + drift·diag(prior);  R ← R + rate·((ωe)² − R)
    """
    D, H = w.shape
    for i in range(D):
        for j in range(H):
            error[j] -= w[i, j] * x[i, j]
            gain[i, j] = P[i, i, j] * x[i, j]
    for i in range(D):
        for k in range(i):
            for j in range(H):
                gain[i, j] += P[i, k, j] * x[k, j]
                gain[k, j] += P[i, k, j] * x[i, j]
    for j in range(H):
        variance = 0.0
        for i in range(D):
            variance += gain[i, j] * x[i, j]
        rate, e = shrink[j], error[j]
        if rate == 0.0:
            e = 0.0
        limit = HUBER * sqrt(noise[j] + variance)
        weight = limit / abs(e) if abs(e) > limit else 1.0
        shrink[j] = 1.0 / (noise[j] / weight + variance) if rate > 0 else 0.0
        error[j] = e * shrink[j]
        square = max(weight * weight * e * e, NOISE_FLOOR)
        noise[j] += rate * (square - noise[j])
    for i in range(D):
        for j in range(H):
            w[i, j] += gain[i, j] * error[j]
        for k in range(i + 1):
            for j in range(H):
                P[i, k, j] -= gain[i, j] * gain[k, j] * shrink[j]
        for j in range(H):
            P[i, i, j] += DRIFT * PRIOR if shrink[j] > 0 else 0.0


@loose_kernel
def predict(aligned, t, season, out, profile):
    """Forecasts (H,) after record *t*, and the profile's: its phase and the level around it."""
    if t < warm_up(season):
        return False
    H = len(out)
    slot, m = t % H, max(1, season)
    for j in range(H):
        unit = sqrt(aligned.size[j]) if aligned.size[j] > 0 else 1.0
        total = aligned.weights[0, j]
        for i in range(1, INPUTS):
            total += aligned.weights[i, j] * clip(aligned.rows[slot, i, j] / unit, CLIP)
        out[j] = aligned.bases[slot, j] + unit * clip(total, LIMIT)
        profile[j] = aligned.profile[0, (t + 1 + j) % m] + aligned.state[DAILY]
    return True
