"""Kalman filter for a linear readout: recursive least squares with a robust innovation."""

from math import sqrt

from .kernels import kernel

LOST = 1e12  # a prediction variance beyond this, in target units, means the filter is lost


@kernel
def update(P, w, x, prior, drift, forget, noise, target, rate, limit, floor, gain):
    """One scalar measurement y = wᵀx + N(0, R); returns the new R, or −R after a reset.

    a = xᵀPx;  e = y − wᵀx;  ω = min(1, limit·√(R + a)/|e|);  α = λR/ω + a
    w += Px·e/α;  P ← (P − Px xᵀP/α)/λ + drift·diag(prior)
    R ← R + rate·(max((ωe)², floor) − R)

    P (n, n) symmetric; w, x, prior, gain (n,); *gain* is scratch.  Huber's weight ω lets an
    outlier pull no harder than *limit* deviations.  If a leaves [0, 1e12), or is not a
    number, P returns to diag(prior) and nothing is learned.  With λ < 1 the diagonal is
    capped at 10·prior, against wind-up.
    """
    error = target - dot(w, x)
    variance = product(P, x, gain)
    if not (variance >= 0 and variance < LOST and abs(error) < LOST):
        reset(P, w, prior)
        return -noise
    weight = huber(error, sqrt(noise + variance), limit)
    correct(P, w, gain, error, 1.0 / (forget * noise / weight + variance))
    for i in range(len(prior)):
        P[i, i] += drift * prior[i]
    if forget < 1:
        fade(P, prior, forget)
    return noise + rate * (max(weight * weight * error * error, floor) - noise)


@kernel
def dot(a, b):
    """aᵀb."""
    total = a[0] * b[0]
    for i in range(1, len(a)):
        total += a[i] * b[i]
    return total


@kernel
def product(P, x, gain):
    """gain ← P x; returns xᵀPx."""
    n = len(x)
    for i in range(n):
        gain[i] = P[0, i] * x[0]
    for k in range(1, n):
        xk = x[k]
        for i in range(n):
            gain[i] += P[k, i] * xk
    return dot(gain, x)


@kernel
def huber(error, deviation, limit):
    """The weight of an innovation: 1 up to *limit* deviations, then falling as 1/|e|."""
    bound = limit * deviation
    return bound / abs(error) if abs(error) > bound else 1.0


@kernel
def correct(P, w, gain, error, shrink):
    """w += gain·error·shrink;  P −= gain gainᵀ·shrink."""
    for i in range(len(w)):
        step = gain[i] * P.dtype.type(shrink)
        w[i] += step * P.dtype.type(error)
        for j in range(len(w)):
            P[i, j] -= step * gain[j]


@kernel
def reset(P, w, prior):
    """P ← diag(prior); a weight that is not finite ← 0."""
    for i in range(len(prior)):
        for j in range(len(prior)):
            P[i, j] = 0.0
        P[i, i] = prior[i]
        if not abs(w[i]) < LOST:
            w[i] = 0.0


@kernel
def fade(P, prior, forget):
    """P ← P/λ, then rows and columns shrunk so that no variance exceeds 10·prior."""
    n = len(prior)
    for i in range(n):
        for j in range(n):
            P[i, j] /= forget
    for i in range(n):
        if P[i, i] > 10.0 * prior[i]:
            shrink = sqrt(10.0 * prior[i] / P[i, i])
            for j in range(n):
                P[i, j] *= shrink
                P[j, i] *= shrink
