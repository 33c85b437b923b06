"""What came at the same place in the weeks before: a forecast, and an input of `aligned`.

    S[t+h] ≈ (1/K) Σ_q S[t+h − q·w] + ℓ_t − (1/K) Σ_q ℓ_{t−qw},   q = 1, …, K ≤ 4

w is a week of seven seasons (for a season of a day), ℓ_t the mean of the season that ends with
record t: the shape is of the weeks before, the level of today.
"""

from ...codegen.dispatch import loose_kernel

WEEK = 7  # seasons
WEEKS = 4  # K, once so many are known


def span(horizon: int, season: int) -> int:
    """How many records it looks back."""
    return (WEEKS * WEEK + 1) * max(1, season) + horizon + 1


@loose_kernel
def count(t, season):
    """K after record *t* (from 0); 0 without a season, or before a week has gone by."""
    return min(WEEKS, max(0, t + 1 - season) // (WEEK * season)) if season > 0 else 0


@loose_kernel
def forecast(past, t, season, out):
    """Fill *out* (H,), ``past[0]`` being record *t*; False, and nothing, where K is 0."""
    K, w = count(t, season), WEEK * season
    if K == 0:
        return False
    rise = 0.0
    for k in range(season):
        before = 0.0
        for q in range(K):
            before += past[(q + 1) * w + k]
        rise += past[k] - before / K
    for j in range(len(out)):
        first = (j // w + 1) * w - j - 1  # how long ago the last such place is
        total = 0.0
        for q in range(K):
            total += past[first + q * w] if first + q * w <= t else past[first]
        out[j] = total / K + rise / season
    return True
