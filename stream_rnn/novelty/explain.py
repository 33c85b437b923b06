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


def reason_of_text(field: object, tail: int, value: str, count: int, records: int) -> str:
    """Why the alarm, where the field holds text: a rare *value*, or many of late.

    >>> reason_of_text("host", 0, "mars", 0, 41_000)
    "value of host: 'mars' is new in 41,000 records"
    >>> reason_of_text("host", 1, "mars", 3, 41_000)
    "level of host: values such as 'mars' (3 in 41,000 records) come as never before"
    """
    if tail == VALUE:
        how = f"{count:,} times" if count else "new"
        return f"{TAILS[tail]} of {field}: {value!r} is {how} in {records:,} records"
    return (
        f"{TAILS[tail]} of {field}: values such as {value!r} ({count:,} in {records:,} records) "
        "come as never before"
    )
