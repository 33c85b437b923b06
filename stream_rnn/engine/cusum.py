"""The cumulative sum test (Page 1954) for "the data are again what they were".

What each record says for that, a logarithm of odds ℓ, is added up:

    s ← max(0, s + ℓ − 1/4)                                                       (1)

ℓ is held within ±5, so that no single record decides.  At s > 8 it is so; after 256 records
without that what was is given up.
"""

from ..codegen.dispatch import kernel

SLACK, MOST, ENOUGH = 0.25, 5.0, 8.0
LONGEST = 256  # records


@kernel
def held(odds):
    """ℓ within its bounds."""
    return max(-MOST, min(MOST, odds))


@kernel
def added(evidence, odds):
    """Eq. (1)."""
    return max(0.0, evidence + odds - SLACK)
