"""What a bank of experts does when its errors have grown: trust less what it has learned."""

from .bank import Bank
from .experts import base as experts
from .mixing import stack

SHARE = 0.1  # of the prior variance that every weight gets back
WIDER = 1.5


def react(bank: Bank, kind: str) -> None:
    """*kind* is ``"noise"``, ``"widen"`` or ``"both"``."""
    if kind in ("noise", "both"):
        unsettle(bank)
    if kind in ("widen", "both"):
        bank.interval.width[...] *= WIDER
        if bank.outside:
            bank.outside.interval.width[...] *= WIDER


def unsettle(bank: Bank) -> None:
    """P ← P + .1·diag(prior) in every Kalman filter: one burst of process noise.

    The filters then learn for a while as quickly as they did at the start, and go on from
    the weights they have.
    """
    for group in bank.groups:
        experts.unsettle(group, SHARE)
    stack.unsettle(bank.mix.stacked, SHARE)
    if bank.outside:
        stack.unsettle(bank.outside.mix.stacked, SHARE)
