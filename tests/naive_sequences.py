"""What the kernels over sequences compute, as one would write it for a stored sequence."""

import numpy as np


def statistics(x, spread):
    """The ten statistics of a channel (T,); see `sequences.pooling.columns`."""
    d = np.diff(x)
    n = len(x)
    floor = 1e-6 * spread
    c = x - x.mean()
    return [
        x.mean(),
        x.std(),
        x.min(),
        x.max(),
        x[0],
        x[-1],
        np.sqrt((d**2).sum() / max(n - 1, 1)),
        abs(d).sum() / max(n - 1, 1),
        0.5 * np.log(x.var() + floor + 1e-300),
        (c[1:] * c[:-1]).sum() / (n - 1) / (x.var() + floor) if n > 1 else 0.0,
    ]


def outline(x, parts):
    """Means of steps in bins of the least power of two, read at the middles of *parts*."""
    width = 1
    while len(x) > 2 * parts * width:
        width *= 2
    cut = [x[k : k + width] for k in range(0, len(x), width)]
    middles = [k * width + len(c) / 2 for k, c in enumerate(cut)]
    places = (np.arange(parts) + 0.5) * len(x) / parts
    return np.interp(places, middles, [c.mean() for c in cut])


def lstm(W, X):
    """Hidden states (T, H) of an LSTM with W (Z, 4, H) from zero."""
    H = W.shape[2]
    h, c, made = np.zeros(H), np.zeros(H), []
    for x in X:
        i, f, g, o = np.tensordot(np.concatenate([h, [1], x]), W, 1)
        i, f, o = (1 / (1 + np.exp(-v)) for v in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
        made.append(h)
    return np.array(made)


def ridge(Phi, T, prior):
    """Weights of least squares with prior variances (D,): what the recursion ends with."""
    return np.linalg.solve(Phi.T @ Phi + np.diag(1 / prior), Phi.T @ T)


def gaussian(steps, labels, X, power, jitter=1e-4):
    """Probabilities by class of the sequence X from all *steps* (N, p) with their *labels*."""
    p, found = X.shape[1], []
    total = steps.var(0)
    kinds = sorted(set(labels.tolist()))
    parts = [steps[labels == c] for c in kinds]
    scatters = [(part - part.mean(0)).T @ (part - part.mean(0)) for part in parts]
    within = (sum(scatters) + p * np.diag(total)) / (len(steps) + p)
    for part, scatter in zip(parts, scatters, strict=True):
        n, k = len(part), p + 1
        V = (scatter + k * within) / (n + k) + jitter * np.diag(total)
        mean = (n * part.mean(0) + steps.mean(0)) / (n + 1)
        d = X - mean
        mahalanobis = (d @ np.linalg.inv(V) * d).sum(1).mean()
        found.append(-0.5 * (np.linalg.slogdet(V)[1] + mahalanobis))
    q = len(X) ** power * np.array(found)
    q = np.exp(q - q.max())
    return q / q.sum()
