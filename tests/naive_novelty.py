"""The parts of `stream_rnn.novelty` once more, as their papers say it: NumPy, nothing saved."""

import math

import numpy as np

MEANS, CENTRES, KEEP, GROW, BLOCKS, FADE = 8, 256, 192, 1.25, 16, 0.25


def distances(pattern, centres):
    return np.sqrt(((np.asarray(centres) - pattern) ** 2).sum(axis=1)) if len(centres) else None


class Cover:
    """Streaming k-centre with a delay: lists of patterns instead of arrays and marks."""

    def __init__(self):
        self.centres, self.waiting, self.radius = [], [], 0.0

    def take(self, pattern, now, ripe, least):
        """Distance to the past; then remember."""
        pattern = np.array(pattern)
        found = distances(pattern, self.centres)
        distance = np.inf if found is None else found.min()
        reach = max(self.radius, least)
        if distance > reach and len(self.waiting) < CENTRES:
            near = distances(pattern, [p for p, _ in self.waiting])
            if near is None or near.min() > reach:
                self.waiting.append((pattern, now))
        while self.waiting and self.waiting[0][1] <= ripe:
            candidate, _ = self.waiting.pop(0)
            near = distances(candidate, self.centres)
            if near is None or near.min() > max(self.radius, least):
                self.centres.append(candidate)
                if len(self.centres) > CENTRES:
                    self.thin()
        return distance

    def thin(self):
        if self.radius == 0:
            every = [distances(c, self.centres[:i]).min() for i, c in enumerate(self.centres) if i]
            self.radius = min(every)
        while len(self.centres) > KEEP:
            self.radius *= GROW
            kept = []
            for c in self.centres:
                near = distances(c, kept)
                if near is None or near.min() > self.radius:
                    kept.append(c)
            self.centres = kept


def block_maxima(novelties, first):
    """Maxima of the blocks of the past, 16 to 31 of equal length, *first* · 2^k records."""
    length = first
    while len(novelties) // length >= 2 * BLOCKS:
        length *= 2
    whole = len(novelties) // length
    return np.array([max(novelties[i * length : (i + 1) * length]) for i in range(whole)])


def gev(maxima):
    """Location, scale and shape k ≤ 0 by weighted L-moments (Hosking, Wallis & Wood 1985)."""
    n = len(maxima)
    weights = 0.5 ** ((n - 1 - np.arange(n)) / (FADE * n))
    weights /= weights.sum()
    order = np.argsort(maxima, kind="stable")
    x, p = maxima[order], weights[order]
    share = np.cumsum(p) - p / 2
    b0 = (p * x).sum()  # of the rest, the part above it: the weighted moments move with it alone
    b1, b2 = (p * share * (x - b0)).sum(), (p * share**2 * (x - b0)).sum()
    l2, l3 = 2 * b1, 6 * b2 - 6 * b1
    if l2 <= 1e-6:
        return b0, 0.0, 0.0
    c = 2 / (3 + l3 / l2) - math.log(2) / math.log(3)
    k = min(0.0, max(-0.5, 7.859 * c + 2.9554 * c * c))
    if k > -1e-6:
        scale = l2 / math.log(2)
        return b0 - 0.5772157 * scale, scale, 0.0
    gamma = math.gamma(1 + k)
    scale = l2 * k / ((1 - 2**-k) * gamma)
    return b0 - scale * (1 - gamma) / k, scale, k


def expected(maxima, novelty):
    """False alarms until the stream has doubled: P(maximum ≥ novelty) · blocks."""
    location, scale, k = gev(maxima)
    z = (novelty - location) / scale
    y = z if k == 0 else -math.log(1 - k * z) / k
    return len(maxima) * -math.expm1(-math.exp(-y))
