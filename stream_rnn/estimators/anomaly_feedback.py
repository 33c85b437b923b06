"""What an operator says of alarms, in the stream itself: a label is a record or a part of one.

A label counts as soon as the record that holds it has been taken in; one without any other
field is no record of the stream, it speaks of those before it.  So every run over the same
stream heeds the same labels at the same places, after a crash too.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..errors import BadRecord, faults
from ..features.missing import is_missing
from ..novelty import labels as rules
from ..novelty.state import ALARM, PEAK, RECORDS, START, WORST, State
from ..novelty.tail import LEAST
from .anomaly_records import Kinds, table
from .anomaly_rows import NOTHING

NOT_AN_ANOMALY, MISSED = "not an anomaly", "missed"
_LABEL = re.compile(rf"({NOT_AN_ANOMALY}|{MISSED})(?::\s*(.+))?", re.IGNORECASE)


class Label(NamedTuple):
    """*kind* of the last alarm or record, or *about* another: an alarm's record, or a field."""

    kind: str
    about: str | None = None


def read(value: Any, field: str) -> Label:
    """The label that a record holds in *field*; raises `BadRecord`.

    >>> read("missed: cpu", "verdict"), read("Not an anomaly", "verdict")
    (Label(kind='missed', about='cpu'), Label(kind='not an anomaly', about=None))
    """
    found = _LABEL.fullmatch(value.strip()) if isinstance(value, str) else None
    kind, about = (found[1].lower(), found[2]) if found else ("", None)
    if not kind or (kind == NOT_AN_ANOMALY and about is not None and not about.isdecimal()):
        raise BadRecord(
            f"{field}: {value!r} is no label; give {NOT_AN_ANOMALY!r} or {MISSED!r}, and perhaps "
            f"which, as in '{NOT_AN_ANOMALY}: 1001', an alarm's record, or '{MISSED}: cpu', a field"
        )
    return Label(kind, about)


class Told(NamedTuple):
    """The records *xs* without their labels, by place the *labels*, and which are nothing else."""

    xs: Sequence[dict]
    labels: dict[int, Label]
    bare: set[int]

    def pieces(self, start: int, end: int) -> Iterator[tuple[int, int, int | None]]:
        """Stretches of records to be learned from *start* to *end*, and the label after each."""
        for t in sorted(self.labels):
            if start <= t < end:
                yield start, t + (t not in self.bare), t
                start = t + 1
        if start < end:
            yield start, end, None


def told(xs: Sequence[dict], field: str | None, timestamp: str) -> Told:
    """The labels that *xs* hold in *field*; raises `BadRecord`.

    A *timestamp* alone makes no record.
    """
    if field is None or not any(field in x for x in xs):
        return Told(xs, {}, set())
    plain, labels, bare = [], {}, set()
    for t, x in enumerate(xs):
        rest = {name: value for name, value in x.items() if name != field}
        plain.append(rest)
        if is_missing(x.get(field)):
            continue
        try:
            labels[t] = read(x[field], field)
        except BadRecord as error:
            raise BadRecord(str(error), t) from None
        if all(name == timestamp or is_missing(value) for name, value in rest.items()):
            bare.add(t)
    return Told(plain, labels, bare)


def faults_of(
    xs: Sequence[dict], kinds: Kinds, timestamp: str, field: str | None
) -> dict[int, BadRecord]:
    """What is wrong with which of *xs*."""

    def attempt(t: int) -> None:
        nonlocal kinds
        found = table(told(xs[t : t + 1], field, timestamp).xs, kinds, timestamp)
        if len(found.names) > len(kinds.known):
            texts = {*kinds.texts, *(found.names[f] for f in found.texts)}
            kinds = Kinds(found.names, texts, kinds.rules)

    return faults(attempt, len(xs))


def heed(
    state: State, names: Sequence[Any], label: str, field: Any = None, record: int | None = None
) -> list[Any]:
    """Keep a *label* in the *state*; the fields of *names* that it is about.

    Raises ValueError if there has been no such alarm, record or field.
    """
    if label == NOT_AN_ANOMALY:
        alarm = state.joint[ALARM] if record is None else record
        if state.joint[ALARM] == 0:
            raise ValueError("feedback: no alarm has been raised yet")
        chosen = rules.not_an_anomaly(state, alarm)
        if not chosen:
            raise ValueError(f"feedback: record {record} is no field's last alarm")
    elif label == MISSED:
        if not names or (field is not None and field not in names):
            raise ValueError(f"feedback: {field!r} is no field of the records so far")
        chosen = [int(state.joint[WORST]) if field is None else names.index(field)]
        rules.missed(state, chosen)
    else:
        raise ValueError(f"feedback: {label!r}; give {NOT_AN_ANOMALY!r} or {MISSED!r}")
    return [names[f] for f in chosen]


def answer(state: State, names: Sequence[Any], label: Label) -> str:
    """Keep *label*; what came of it in words."""
    by_text = {str(name): name for name in names}
    try:
        if label.kind == MISSED:
            about = label.about if label.about is None else by_text.get(label.about, label.about)
            fields = heed(state, names, MISSED, about)
        else:
            record = None if label.about is None else int(label.about)
            fields = heed(state, names, NOT_AN_ANOMALY, None, record)
    except ValueError as error:
        return f"not heeded: {str(error).removeprefix('feedback: ')}"
    return f"{label.kind}: {', '.join(map(str, fields))}"


def row_of_none(state: State) -> dict[str, Any]:
    """The result of a record that is nothing but a label."""
    now = state.joint
    return {
        "record": int(now[RECORDS]),
        "score": LEAST,
        "alarm": False,
        **NOTHING,
        "fields": [],
        "episode": int(now[START]) or None,
        "episode_end": None,
        "severity": float(now[PEAK]),
        "scores": {},
        "feedback": None,
    }
