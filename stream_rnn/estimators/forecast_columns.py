"""The columns of a frame of forecasts."""

from collections.abc import Sequence
from typing import Any

FORECAST = "forecast"  # the column of the points; the bounds are forecast-lo-80, forecast-hi-80


def columns(made: Sequence[Any], levels: Sequence[float]) -> dict[str, list[float]]:
    """The columns of forecasts that have bounds for each of the *levels*."""
    found = {FORECAST: [p.point for p in made]}
    for n, share in enumerate(levels):
        found[bound(share, "lo")] = [p.lower[n] for p in made]
        found[bound(share, "hi")] = [p.upper[n] for p in made]
    return found


def bound(share: float, side: str) -> str:
    """The name of a column of bounds.

    >>> bound(0.8, "lo"), bound(0.975, "hi")
    ('forecast-lo-80', 'forecast-hi-97.5')
    """
    return f"{FORECAST}-{side}-{round(100 * share, 6):g}"
