"""Context from both sides, where a sequence has an end."""

from typing import Any, NamedTuple

from ..cells import LAYERS as INSIDE
from ..cells import LSTM


class Bidirectional(NamedTuple):
    """One network reads from the first step on, another from the last (Schuster & Paliwal 1997).

    The steps of a sequence are kept until its end.

    >>> from stream_rnn import GRU, Bidirectional, SequenceClassifier
    >>> SequenceClassifier(cell=Bidirectional(GRU(8))).cell
    Bidirectional(cell=GRU(units=8, orthogonal=False))
    """

    cell: Any = LSTM()


def directions(cell: Any) -> tuple[Any, bool]:
    """The cell that reads, and whether another one reads from the end."""
    return (cell.cell, True) if isinstance(cell, Bidirectional) else (cell, False)


#: What a configuration may give as a layer of an estimator of sequences.
LAYERS: dict[str, Any] = INSIDE | {"Bidirectional": Bidirectional}
