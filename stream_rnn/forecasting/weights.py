"""How much each kind of expert, and each outside forecast, counts."""

from typing import Any

from . import outside
from .mixing.boa import MEDIAN, WEIGHT
from .series import Series

GIVEN = "given_"  # before the name of an outside forecast


def expert_weights(series: Series, index: int = 0, head: int = MEDIAN) -> dict[str, float]:
    """The weight of each kind of expert in a bank; they sum to 1.

    An outside forecast counts what the mixture makes of it, the experts together the rest.
    """
    groups: dict[Any, list[str]] = {}  # in the order of the weights, see `experts.default.pack`
    for spec in series.specs:
        kind = type(spec).__name__
        groups.setdefault((kind, getattr(spec, "units", None)), []).append(kind)
    found: dict[str, float] = {}
    kinds = [kind for group in groups.values() for kind in group]
    bank, own = series.banks[index], 1.0
    told: list[float] = []
    if series.given:
        own, *told = outside.shares(bank.outside, head).tolist()
    for kind, weight in zip(kinds, bank.mix.first.table[head, WEIGHT].tolist(), strict=True):
        found[kind] = found.get(kind, 0.0) + own * weight
    return found | {f"{GIVEN}{name}": w for name, w in zip(series.given, told, strict=True)}
