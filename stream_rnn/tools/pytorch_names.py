"""Weights as PyTorch's modules name them, whatever the modules around them are called."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import CheckpointError, ConfigError

HEAD = "head"
RECORDS = 1000.0  # that given means and deviations count as
_FIRST = re.compile(r"(?P<prefix>.*?)weight_ih_l0")
_LAYER = re.compile(r"weight_ih_l(\d+)")


def plain(
    arrays: Mapping[str, Any], prefix: str | None = None, head: str | None = None
) -> dict[str, np.ndarray]:
    """*arrays* as ``weight_ih_l0``, …, ``head.weight``, ``head.bias``.

    *prefix* is what stands before ``weight_ih_l0``, *head* the name of the readout, a
    `torch.nn.Linear`; either is found if there is one only.  If one is given, whatever else is
    there is left out.  A layer or readout without bias has one of 0.  Raises `CheckpointError`.

    >>> lstm = {f"encoder.lstm.{n}_l0": np.ones((8, 2)) for n in ("weight_ih", "weight_hh")}
    >>> found = plain(lstm | {"decoder.weight": np.ones((1, 2)), "decoder.bias": np.ones(1)})
    >>> sorted(found)
    ['bias_hh_l0', 'bias_ih_l0', 'head.bias', 'head.weight', 'weight_hh_l0', 'weight_ih_l0']
    """
    given = {name: np.asarray(value) for name, value in arrays.items()}
    only = prefix is not None or head is not None
    prefix = _prefix(given) if prefix is None else prefix
    head = _head(given, prefix) if head is None else head.removesuffix(".")
    found, rest = {}, {}
    for name, value in given.items():
        if name.startswith(f"{head}."):
            found[HEAD + name.removeprefix(head)] = value
        elif re.fullmatch(r"(weight|bias)_(ih|hh)_l\d+", short := name.removeprefix(prefix)):
            found[short] = value
        else:
            rest[name] = value
    found |= {n: v for n, v in rest.items() if not only or n.partition(".")[0] in PARTS}
    return found | _zero_biases(found)


PARTS = ("inputs", "targets")  # with statistics


def _prefix(given: Mapping[str, np.ndarray]) -> str:
    """What stands before the names of the recurrent layers."""
    found = [match["prefix"] for name in given if (match := _FIRST.fullmatch(name))]
    if len(found) > 1:
        raise CheckpointError(
            f"state_dict: {len(found)} recurrent networks, {', '.join(map(repr, found))}; "
            "say which one with prefix="
        )
    return found[0] if found else ""


def _head(given: Mapping[str, np.ndarray], prefix: str) -> str:
    """The name of the readout: the only one that could read the uppermost layer."""
    if f"{HEAD}.weight" in given:
        return HEAD
    top = [v.shape[1] for n, v in given.items() if n.startswith(f"{prefix}weight_hh_l")]
    found = [
        name.removesuffix(".weight")
        for name, value in given.items()
        if name.endswith(".weight") and value.ndim == 2 and top and value.shape[1] >= top[-1]
    ]
    if len(found) > 1:
        raise CheckpointError(
            f"state_dict: the readout may be {' or '.join(map(repr, found))}; say which with head="
        )
    return found[0] if found else HEAD


def _zero_biases(found: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Biases of modules that were made with ``bias=False``."""
    made: dict[str, np.ndarray] = {}
    for name, value in found.items():
        if (match := _LAYER.fullmatch(name)) is not None:
            names = [f"{part}_l{match[1]}" for part in ("bias_ih", "bias_hh")]
            if not any(bias in found for bias in names):
                made |= {bias: np.zeros(len(value), value.dtype) for bias in names}
    weight = found.get(f"{HEAD}.weight")
    if weight is not None and f"{HEAD}.bias" not in found:
        made[f"{HEAD}.bias"] = np.zeros(len(weight), weight.dtype)
    return made


def statistics(
    scales: Mapping[Any, tuple[float, float]],
    features: Sequence[Any],
    targets: Sequence[Any],
    lags: int = 0,
) -> dict[str, np.ndarray]:
    """Means and deviations by name as ``inputs.mean``, ``targets.variance``, and so on.

    The only target is called ``"target"`` if it has no name.  Raises `ConfigError` for one that
    is not given, or has no deviation.
    """
    names = {"inputs": [*features, *(list(targets) * lags)], "targets": list(targets)}
    made: dict[str, np.ndarray] = {}
    for part, wanted in names.items():
        for name in wanted:
            mean, deviation = scales.get(name, (0.0, 0.0))
            if not (np.isfinite(mean) and deviation > 0):
                raise ConfigError(
                    f"scales: {name!r} needs a mean and a standard deviation above 0, as the "
                    f"network was trained with; given are {dict(scales)}"
                )
        pairs = np.array([scales[name] for name in wanted], float).reshape(-1, 2)
        made[f"{part}.count"] = np.full(len(wanted), RECORDS)
        made[f"{part}.mean"], made[f"{part}.variance"] = pairs[:, 0], pairs[:, 1] ** 2
    return made
