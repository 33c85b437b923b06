"""Text as features for a pipeline with any estimator behind it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from river import base

from ..features.missing import is_missing
from .columns import Columns


class CategoryEncoder(base.SupervisedTransformer, base.Transformer):
    """Make numbers of the text in a record, as the estimators of this package do by themselves.

    In place of a field of text come what its value adds to the target, see
    `stream_rnn.categories.effects` (of classes a column for each but the first, 8 at most), and
    indicators where it has few values.  Numbers pass as they are, booleans are 0 or 1.  A
    missing value, and text in a field that has not been learned yet, is left out.

    Parameters
    ----------
    categorical
        For a field whose values are names, such as a postcode, how it is taken: ``"statistics"``
        (the effects alone), ``"indicators"``, ``"hash"``, ``"leave"``; or just the names of such
        fields.

    Examples
    --------
    >>> from stream_rnn import CategoryEncoder, RecurrentRegressor
    >>> model = CategoryEncoder() | RecurrentRegressor(seed=1)
    >>> effects = {"north": 5.0, "south": -3.0, "west": 1.0}
    >>> for t in range(150):
    ...     place = list(effects)[t * t % 3]
    ...     model.learn_one({"place": place}, effects[place])
    >>> round(model.predict_one({"place": "north"}))
    5
    """

    def __init__(self, categorical: Mapping[str, str] | Sequence[str] | None = None):
        self.categorical = categorical
        rules = categorical
        if rules is not None and not isinstance(rules, Mapping):
            rules = dict.fromkeys(rules, "statistics")
        self._columns = Columns(categorical=rules)
        self._classes: list[Any] = []

    def learn_one(self, x: dict, y: Any = None) -> None:
        """Take in which values the record has, and their target (None if it is missing).

        Whether targets are numbers or classes the first one decides; nothing is learned before.
        Raises `BadRecord` for a value that is no feature.
        """
        columns, known = self._columns, not is_missing(y)
        if known and not columns.targets and not self._classes:
            columns.classes = isinstance(y, str | bool)
        if columns.classes:
            if known and y not in self._classes:
                self._classes.append(y)
            outputs = len(self._classes)
            target = [float(y == c) if known else np.nan for c in self._classes]
        else:
            outputs, target = int(known or columns.targets > 0), [float(y) if known else np.nan]
        if outputs:
            X, widths = columns.encode([x], [outputs])
            columns.learn(X, np.array([target]))
            columns.extend(widths[-1])

    def transform_one(self, x: dict) -> dict:
        """The record with numbers only, by the records before it; nothing changes."""
        columns = self._columns
        row = columns.described(x) if columns.takes_text else x
        known = columns.categories.keys()
        return {
            name: float(value) if isinstance(value, bool) else value
            for name, value in row.items()
            if name not in known and not is_missing(value) and not isinstance(value, str)
        }
