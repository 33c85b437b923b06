"""What an anomaly detector says of each record, from the numbers of its kernels."""

from typing import Any

import numpy as np

from ..forecasting import series
from ..forecasting.bank import MEDIAN
from ..novelty import joint
from ..novelty.explain import reason, reason_of_text
from ..novelty.fields import CAUSE, EXTREME, PART, SCORE
from ..novelty.state import TAILS
from .anomaly_records import Table

LEVEL = 0.9  # of the interval in which a value was expected
NOTHING = dict.fromkeys(("field", "view", "reason", "expected", "expected_lower", "expected_upper"))


def results(
    part: Table,
    outs: np.ndarray,
    rows: np.ndarray,
    expected: dict[int, np.ndarray],
    seen: np.ndarray,
    counts: dict[int, list[int]],
    before: int,
) -> list[dict[str, Any]]:
    """Rows for the user; *seen* are the records of each field before.

    *expected* has the forecasts of fields that have one, *counts* how often a text was met before;
    so many records came *before*.
    """
    known = ~np.isnan(part.values)
    past = seen + np.cumsum(known, axis=0) - known
    bounds = {f: series.bounds(forecast, LEVEL) for f, forecast in expected.items()}
    made = []
    for t, row in enumerate(rows.tolist()):
        told = outs[t].tolist()
        order = sorted(np.flatnonzero(known[t]).tolist(), key=lambda f: -told[f][SCORE])
        alarm, worst = row[joint.ALARMED] > 0, int(row[joint.FIELD])
        chosen = [
            part.names[f]
            for f in order
            if (told[f][PART] if alarm else told[f][SCORE] >= row[joint.THRESHOLD])
        ]
        result = {"record": before + t + 1, "score": row[joint.JOINT], "alarm": alarm}
        result |= {**NOTHING, "fields": chosen}
        if worst >= 0:
            name, tail = part.names[worst], int(told[worst][CAUSE])
            result["field"], result["view"] = name, TAILS[tail]
            if alarm:
                records = int(past[t, worst])
                text = part.texts[worst][t] if worst in part.texts else None
                result["reason"] = (
                    reason(name, tail, told[worst][EXTREME], records)
                    if text is None
                    else reason_of_text(name, tail, text, counts[worst][t], records)
                )
            if worst in expected:
                result |= _expected(expected[worst][t], bounds[worst], t)
        result["episode"] = int(row[joint.BEGINNING]) or None
        result["episode_end"] = int(row[joint.ENDED]) or None
        result["severity"] = row[joint.SEVERITY]
        result["scores"] = {part.names[f]: told[f][SCORE] for f in order}
        result["feedback"] = None
        made.append(result)
    return made


def _expected(forecast: np.ndarray, bounds: tuple[np.ndarray, np.ndarray], t: int) -> dict:
    """What was expected; nothing where there was no forecast."""
    if np.isnan(forecast[MEDIAN]):
        return {}
    lower, upper = bounds
    return {
        "expected": float(forecast[MEDIAN]),
        "expected_lower": float(lower[t]),
        "expected_upper": float(upper[t]),
    }
