"""Kalman filter for a linear readout: recursive least squares with a robust innovation."""

from math import sqrt

from ...codegen.dispatch import loose_kernel

LOST = 1e12  # a prediction variance beyond this, in target units, means the filter is lost


@loose_kernel
def update(P, w, x, prior, drift, forget, noise, target, rate, limit, floor, gain):
    """One scalar measurement y = wᵀx + N(0, R); returns the new R, or −R after a reset.

    a = xᵀPx;  e = y − wᵀx;  ω = min(1, limit·√(R + a)/|e|);  α = λR/ω + a
    w += Px·e/α;  P ← (P − Px xᵀP/α)/λ + drift·diag(prior)
    R ← R + rate·(max((ωe)², floor) − R)

    P (n, n) symmetric, its lower triangle in use; w, x, prior, gain (n,); *gain* is scratch.
    Huber's weight ω lets an outlier pull no harder than *limit* deviations.  If a leaves
    [0, 1e12), or is not a number, P returns to diag(prior) and nothing is learned.  With
    λ < 1 the diagonal is capped at 10·prior, against wind-up.
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


@loose_kernel
def dot(a, b):
    """aᵀb."""
    total = a[0] * b[0]
    for i in range(1, len(a)):
        total += a[i] * b[i]
    return total


@loose_kernel
def product(P, x, gain):
    """gain ← P x; returns xᵀPx.  Reads the lower triangle, four rows at a time."""
    n = len(x)
    whole = n - n % 4
    for i in range(n):
        gain[i] = x[i] - x[i]
    for b in range(0, whole, 4):
        p0, p1, p2, p3 = P[b], P[b + 1], P[b + 2], P[b + 3]
        x0, x1, x2, x3 = x[b], x[b + 1], x[b + 2], x[b + 3]
        t0, t1, t2, t3 = gain[b], gain[b + 1], gain[b + 2], gain[b + 3]
        for j in range(b):
            xj = x[j]
            t0 += p0[j] * xj
            t1 += p1[j] * xj
            t2 += p2[j] * xj
            t3 += p3[j] * xj
            gain[j] += (p0[j] * x0 + p1[j] * x1) + (p2[j] * x2 + p3[j] * x3)
        gain[b] = t0 + p0[b] * x0 + p1[b] * x1 + p2[b] * x2 + p3[b] * x3
        gain[b + 1] = t1 + p1[b] * x0 + p1[b + 1] * x1 + p2[b + 1] * x2 + p3[b + 1] * x3
        gain[b + 2] = t2 + p2[b] * x0 + p2[b + 1] * x1 + p2[b + 2] * x2 + p3[b + 2] * x3
        gain[b + 3] = t3 + p3[b] * x0 + p3[b + 1] * x1 + p3[b + 2] * x2 + p3[b + 3] * x3
    for i in range(whole, n):
        p, xi = P[i], x[i]
        total = p[i] * xi
        for j in range(i):
            total += p[j] * x[j]
            gain[j] += p[j] * xi
        gain[i] += total
    return dot(gain, x)


@loose_kernel
def huber(error, deviation, limit):
    """The weight of an innovation: 1 up to *limit* deviations, then falling as 1/|e|."""
    bound = limit * deviation
    return bound / abs(error) if abs(error) > bound else 1.0


@loose_kernel
def correct(P, w, gain, error, shrink):
    """w += gain·error·shrink;  P −= gain gainᵀ·shrink, in the lower triangle.

    Four rows at a time, so up to three elements right of the diagonal are written too; they
    are never read.
    """
    n = len(w)
    whole = n - n % 4
    shrink = P.dtype.type(shrink)
    step = shrink * P.dtype.type(error)
    for i in range(n):
        w[i] += gain[i] * step
    for b in range(0, whole, 4):
        p0, p1, p2, p3 = P[b], P[b + 1], P[b + 2], P[b + 3]
        g0, g1 = gain[b] * shrink, gain[b + 1] * shrink
        g2, g3 = gain[b + 2] * shrink, gain[b + 3] * shrink
        for j in range(b + 4):
            g = gain[j]
            p0[j] -= g0 * g
            p1[j] -= g1 * g
            p2[j] -= g2 * g
            p3[j] -= g3 * g
    for i in range(whole, n):
        p, g = P[i], gain[i] * shrink
        for j in range(i + 1):
            p[j] -= g * gain[j]


@loose_kernel
def reset(P, w, prior):
    """P ← diag(prior); a weight that is not finite ← 0."""
    for i in range(len(prior)):
        for j in range(len(prior)):
            P[i, j] = 0.0
        P[i, i] = prior[i]
        if not abs(w[i]) < LOST:
            w[i] = 0.0


@loose_kernel
def fade(P, prior, forget):
    """P ← P/λ, then rows and columns shrunk so that no variance exceeds 10·prior."""
    n = len(prior)
    grow = 1.0 / forget
    for i in range(n):
        for j in range(i + 1):
            P[i, j] *= grow
    for i in range(n):
        if P[i, i] > 10.0 * prior[i]:
            shrink = sqrt(10.0 * prior[i] / P[i, i])
            for j in range(i + 1):
                P[i, j] *= shrink
            for j in range(i, n):
                P[j, i] *= shrink
