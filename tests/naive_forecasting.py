"""Readable references for the forecaster's kernels, written differently: full histories,
dense matrices, closed forms in place of recurrences, complex steps in place of derivatives."""

import numpy as np
from scipy import stats

STEP = 1e-40


def kalman(P, w, x, prior, drift, forget, R, y, rate, limit, floor):
    """(P, w, R) after y = wᵀx + noise, by the textbook's gain; λ < 1 with its cap."""
    e, a = y - w @ x, x @ P @ x
    omega = min(1.0, limit * np.sqrt(R + a) / abs(e)) if e else 1.0
    gain = P @ x / (forget * R / omega + a)
    I = np.eye(len(x))
    P = (I - np.outer(gain, x)) @ P / (forget if forget < 1 else 1.0)
    if forget < 1:
        P = P + drift * np.diag(prior) / forget
        shrink = np.sqrt(np.minimum(1.0, 10 * prior / np.diag(P)))
        P = P * np.outer(shrink, shrink)
    else:
        P = P + drift * np.diag(prior)
    return P, w + gain * e, (1 - rate) * R + rate * max((omega * e) ** 2, floor)


def boa(prior, regrets):
    """Weights of Bernstein online aggregation after the instantaneous *regrets* (T, K)."""
    r = np.atleast_2d(regrets)
    spent = np.cumsum(r**2, axis=0)
    largest = np.maximum.accumulate(abs(r), axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        eta = np.minimum(0.5 / largest, np.sqrt(-np.log(prior) / spent))
    eta = np.where(spent > 0, eta, 0.0)
    total = (r - eta * r**2).sum(axis=0)
    if not eta[-1].any():
        return prior
    speed = np.where(eta[-1] > 0, eta[-1], eta[-1].max())
    weight = prior * speed * np.exp(eta[-1] * total - (eta[-1] * total).max())
    return weight / weight.sum()


def dma(prior, predictions, truths, forget=0.98):
    """Weights of dynamic model averaging after *predictions* (T, K) of *truths* (T,)."""
    T = len(truths)
    errors = abs(truths[:, None] - predictions)
    log_weight = np.log(prior)
    for t in range(T):
        fading = forget ** np.arange(t, -1, -1)
        spent, n = fading @ errors[: t + 1], fading.sum()
        best = spent.min() / n
        scale = (spent + 2 * best) / (n + 2) + 1e-300
        # Student's t with 4 degrees of freedom, of mean absolute error about 1
        likelihood = stats.t.logpdf(errors[t], 4, scale=scale * np.sqrt(3.12 / 4))
        log_weight = forget * log_weight + (1 - forget) * np.log(prior) + likelihood
    weight = np.exp(log_weight - log_weight.max())
    return weight / weight.sum()


def lstm(W, v, inputs):
    """Σ v_i h_i after the *inputs* (T, 2 + M): level, change, exogenous; W may be complex.

    W (D, 4H) reads [level, change, 1, h₋, exogenous]; gates input, forget, candidate, output.
    """
    H = len(v)
    h, c = np.zeros(H, W.dtype), np.zeros(H, W.dtype)
    for x in inputs:
        a = np.concatenate([x[:2], [1.0], h, x[2:]]) @ W
        i, f, o = (1 / (1 + np.exp(-a[k * H : (k + 1) * H])) for k in (0, 1, 3))
        c = f * c + i * np.tanh(a[2 * H : 3 * H])
        h = o * np.tanh(c)
    return v @ h


def slope(W, v, inputs):
    """∂(Σ v_i h_i)/∂W by a complex step for every weight."""
    found = np.empty(W.shape)
    for place in np.ndindex(*W.shape):
        nudged = W.astype(complex)
        nudged[place] += STEP * 1j
        found[place] = lstm(nudged, v, inputs).imag / STEP
    return found


def decoupled(C, P, W, v, slopes, x, R, y, rate, limit, drift, floor):
    """One Kalman measurement for all weights of a network, as one filter on a vector.

    C (D, D, n) are covariances of the columns of W (D, n), P that of v; returns the new
    (C, P, W, v, R).
    """
    n = W.shape[1]
    blocks = [C[:, :, r] for r in range(n)] + [P]
    ends = np.cumsum([len(block) for block in blocks])
    whole = np.zeros((ends[-1], ends[-1]))
    for end, block in zip(ends, blocks):
        whole[end - len(block) : end, end - len(block) : end] = block
    q = np.concatenate([*slopes.T, x])
    a, e = q @ whole @ q, y - v @ x
    omega = min(1.0, limit * np.sqrt(R + a) / abs(e))
    alpha = R / omega + a
    theta = np.concatenate([*W.T, v]) + whole @ q * e / alpha
    moved = [
        block - np.outer(block @ part, block @ part) / alpha
        for block, part in zip(blocks, np.split(q, ends[:-1]))
    ]
    C = np.stack([m + drift * np.eye(len(m)) for m in moved[:-1]], axis=2)
    P = moved[-1] + 1e-6 * np.eye(len(P))
    parts = np.split(theta, ends[:-1])
    R = (1 - rate) * R + rate * max((omega * e) ** 2, floor)
    return C, P, np.stack(parts[:-1], axis=1), parts[-1], R


def holt_winters(ys, m, horizon, multiplicative, alpha=0.3, beta=0.1, gamma=0.6):
    """The forecast of ys[-1 + horizon], started at record 3m − 1 from three seasons."""
    first = np.asarray(ys[: 3 * m], float).reshape(3, m)
    means = first.mean(axis=1)
    b = (means[2] - means[1]) / m
    place = np.arange(m) - (m - 1) / 2
    lines = means[:, None] + b * place
    shapes = (first / lines if multiplicative else first - lines).mean(axis=0)
    seasons = {k: [shapes[k]] for k in range(m)}
    level = means[2] + b * (m - 1) / 2
    for t in range(3 * m, len(ys)):
        season, before = seasons[t % m], level
        now = ys[t] / season[-1] if multiplicative else ys[t] - season[-1]
        level = alpha * now + (1 - alpha) * (before + b)
        b = beta * (level - before) + (1 - beta) * b
        share = ys[t] / level if multiplicative else ys[t] - level
        season.append(gamma * share + (1 - gamma) * season[-1])
    line, season = level + horizon * b, seasons[(len(ys) - 1 + horizon) % m][-1]
    return line * season if multiplicative else line + season


def period(changes, longest=400):
    """The season's length after each of *changes* in their units; 0 for none."""
    z, found, current = np.clip(changes, -3, 3), [], 0
    for t in range(1, len(z) + 1):
        if t >= 6 and (t < 200 or t % 16 == 0):
            seen = z[:t]
            lags = range(min(longest, t - 1) + 1)
            r = np.array([seen[k:] @ seen[: t - k] * t / (t - k) for k in lags])
            r /= seen @ seen + 1e-12
            best, where = 0.0, 0
            for k in range(3, min(longest, t // 2)):
                valley = r[1 : k + 1].min() < r[k] / 2
                if r[k] > 1.05 * best and r[k - 1] < r[k] >= r[k + 1] and valley:
                    best, where = r[k], k
            threshold = max(0.3, 2.5 / np.sqrt(t))
            if where and best > threshold:
                if not current or best > 1.1 * r[current]:
                    current = where
            elif current and r[current] < threshold / 2:
                current = 0
        found.append(current)
    return found


def interval(errors, levels, start, excess=12.0):
    """(lower, upper) distances (T, L) of the bounds before each of *errors* y − centre."""
    tails = (1 - np.asarray(levels)) / 2
    quick = steady = 0.0
    speeds, misses = [], {-1: [], 1: []}
    distances = []
    for n, error in enumerate(errors):
        gains = np.array(speeds)[:, None] * np.sqrt(np.maximum(1, 0.05 / tails))
        unit = 0.7 * quick + 0.3 * steady
        widths = [
            np.array(start) * np.exp((gains * (np.array(misses[s]).reshape(n, -1) - tails)).sum(0))
            if n
            else np.array(start)
            for s in (-1, 1)
        ]
        distances.append([unit * width for width in widths])
        for side, width in zip((-1, 1), widths):
            misses[side].append(side * error > unit * width)
        size = abs(error)
        if n >= 20 and unit > 0:
            size = min(size, excess * unit)
        quick += max(0.1, 1 / (n + 1)) * (size - quick)
        steady += max(0.002, 1 / (n + 1)) * (size - steady)
        speeds.append(0.05 * max(1.0, 10 / np.sqrt(n + 1)))
    return np.array(distances)
