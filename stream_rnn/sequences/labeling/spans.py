"""Entities as spans of tokens, and as labels B-TYPE, I-TYPE and O, one a token (IOB2)."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

OUTSIDE = "O"


class Span(NamedTuple):
    """Tokens *start* to *end* − 1 are an entity of this *kind*."""

    start: int
    end: int
    kind: str


def spans(labels: Sequence[str]) -> list[Span]:
    """The entities that IOB2 labels mark; an I without a B before it begins one.

    >>> spans(["B-PER", "I-PER", "O", "B-LOC"])
    [Span(start=0, end=2, kind='PER'), Span(start=3, end=4, kind='LOC')]
    """
    found: list[Span] = []
    start, kind = 0, None
    for t, label in enumerate([*labels, OUTSIDE]):
        mark, _, name = label.partition("-")
        if kind is not None and (mark != "I" or name != kind):
            found.append(Span(start, t, kind))
            kind = None
        if label != OUTSIDE and kind is None:
            start, kind = t, name
    return found


def iob2(entities: Iterable[tuple[int, int, str]], length: int) -> list[str]:
    """The labels of *length* tokens; undoes `spans`.  Raises ValueError if entities overlap.

    >>> iob2([(0, 2, "PER")], 3)
    ['B-PER', 'I-PER', 'O']
    """
    labels = [OUTSIDE] * length
    for start, end, kind in entities:
        if not 0 <= start < end <= length:
            raise ValueError(f"entity {start, end, kind}: is not within {length} tokens")
        if any(label != OUTSIDE for label in labels[start:end]):
            raise ValueError(f"entity {start, end, kind}: overlaps another one")
        labels[start:end] = [f"B-{kind}"] + [f"I-{kind}"] * (end - start - 1)
    return labels
