"""Several layers, each reading the hidden state of the one below."""

from typing import Any


class Stack(tuple):
    """``Stack(LSTM(16), LSTM(8))``: the first layer reads the inputs, the last feeds the readout.

    Every learner sees each layer's own recurrence; the loss reaches a lower layer through
    the layers above it at the same instant.  `TBPTT` propagates through time and layers
    together.  With ``exact=True`` `RTRL` keeps the influence of every layer on all above
    it (`StackRTRL`), at a cost for small networks only.

    >>> from stream_rnn import RTRL, Adam, Elman, GRU, RecurrentRegressor
    >>> stack = Stack(GRU(4), Elman(4), exact=True)
    >>> stack.exact, len(stack)
    (True, 2)
    >>> model = RecurrentRegressor(stack, RTRL(), Adam(0.01), seed=1)
    >>> for t in range(401):
    ...     model.learn_one({"x": t % 2}, t % 2)
    >>> abs(model.predict_one({"x": 1}) - 1) < 0.1
    True
    """

    exact: bool

    def __new__(cls, *cells: Any, exact: bool = False):
        stack = super().__new__(cls, cells)
        stack.exact = bool(exact)
        return stack

    def __getnewargs_ex__(self):
        return tuple(self), {"exact": self.exact}

    def __eq__(self, other):
        return (
            isinstance(other, Stack) and tuple(self) == tuple(other) and self.exact == other.exact
        )

    def __ne__(self, other):  # tuple has its own
        return not self == other

    def __hash__(self):
        return hash((tuple(self), self.exact))

    def __repr__(self):
        inside = ", ".join([*map(repr, self), *(["exact=True"] if self.exact else [])])
        return f"Stack({inside})"
