"""A linear-chain field by enumeration: every sequence of labels, one after another."""

from itertools import product
from math import exp, log

import numpy as np


def score(scores, A, path):
    """A's last row is from the start, its last column to the end."""
    last = len(A) - 1
    steps = zip([last, *path], [*path, last], strict=True)
    return sum(A[a, b] for a, b in steps) + sum(scores[t, l] for t, l in enumerate(path))


def enumerated(scores, A, count):
    """log Z, marginals (T, count), expected transitions and the best path."""
    T, last = len(scores), len(A) - 1
    paths = list(product(range(count), repeat=T))
    weights = np.array([score(scores, A, path) for path in paths])
    log_z = log(sum(exp(w - weights.max()) for w in weights)) + weights.max()
    p, expected = np.zeros((T, count)), np.zeros(A.shape)
    for path, weight in zip(paths, weights, strict=True):
        probability = exp(weight - log_z)
        for t, l in enumerate(path):
            p[t, l] += probability
        for a, b in zip([last, *path], [*path, last], strict=True):
            expected[a, b] += probability
    return log_z, p, expected, list(paths[int(np.argmax(weights))])
