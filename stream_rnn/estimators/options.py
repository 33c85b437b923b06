"""Specs to choose from, for river's model selection.

`river.utils.expand_param_grid` takes every tuple for a pair of a class and its grid, and a spec is
a tuple; inside an `Option` it is not taken for one.
"""

from typing import Any


class Option:
    """Holds one spec, or one chain of them."""

    def __init__(self, value: Any):
        self.value = value

    def __repr__(self) -> str:
        return repr(self.value)


def options(*specs: Any) -> list[Option]:
    """*specs* as the values of a grid's parameter.

    >>> from river import utils
    >>> from stream_rnn import GRU, LSTM, Adam, Clip, Kalman, RecurrentRegressor, options
    >>> grid = {
    ...     "cell": options(LSTM(4), GRU(4)),
    ...     "optimizer": options(Kalman(), (Clip(1.0), Adam(0.01))),
    ... }
    >>> models = utils.expand_param_grid(RecurrentRegressor(), grid)
    >>> [model.cell.units for model in models], models[3].optimizer[0]
    ([4, 4, 4, 4], Clip(limit=1.0))
    """
    return [Option(spec) for spec in specs]
