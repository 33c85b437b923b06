"""An alarm in words."""

from .state import FIRST_VIEW, FORECAST, MOVEMENT, TAILS, VALUE

WORDS = {VALUE: ("highest", "lowest"), FIRST_VIEW: ("highest", "lowest")}
WORDS[FIRST_VIEW + MOVEMENT] = ("most", "least")


def reason(field: object, tail: int, extreme: float, records: int) -> str:
    """Why the alarm: the view and the field, and how the record stands out.

    >>> reason("cpu", 1, 1.0, 41_000)
    'level of cpu: highest in 41,000 records'
    >>> reason("cpu", 2, 0.0, 41_000)
    'shape of cpu: unlike any in 41,000 records'
    """
    if tail == FORECAST:
        return f"{field}: further from its forecast than usual in {records:,} records"
    word = "unlike any"
    if extreme and tail in WORDS:
        word = WORDS[tail][0 if extreme > 0 else 1]
    return f"{TAILS[tail]} of {field}: {word} in {records:,} records"
