"""From the ``drift`` table to what watches the losses."""

import inspect
from collections.abc import Mapping
from typing import Any

from ..drift import detectors
from ..drift.monitor import Monitor
from ..errors import ConfigError, suggest
from ..estimators.protocol import reactions


def monitor(table: Mapping[str, Any], estimator: Any) -> Monitor | None:
    """The monitor of ``{detector = "ADWIN", delta = 0.002, on_drift = "noise"}``.

    The other fields are the detector's own; ``detector = "none"`` watches nothing.  Raises
    `ConfigError`, also for a reaction that the *estimator* does not have.

    >>> monitor({"detector": "KSWIN", "alpha": 0.001, "seed": 1}, None).name
    'KSWIN'
    """
    settings = dict(table)
    detector, on_drift = settings.pop("detector", "ADWIN"), settings.pop("on_drift", None)
    if detector == "none":
        return None
    known = detectors.names()
    if detector not in known:
        raise ConfigError(f"drift.detector = {detector!r}: unknown; {suggest(detector, known)}")
    accepted = [*inspect.signature(known[detector]).parameters]
    for name in settings:
        if name not in accepted:
            choices = suggest(name, [*accepted, "detector", "on_drift"])
            raise ConfigError(f"drift.{name}: unknown field; {choices}")
    possible = reactions(estimator)
    if on_drift is not None and on_drift not in possible:
        remedy = suggest(on_drift, possible) if possible else "this estimator cannot; leave it out"
        raise ConfigError(f"drift.on_drift = {on_drift!r}: {remedy}")
    try:
        return Monitor(detector, on_drift, **settings)
    except ConfigError as error:
        raise ConfigError(f"drift.{error}") from None
