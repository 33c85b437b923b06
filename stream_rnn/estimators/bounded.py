"""Records in sequences that have a beginning and an end, for the estimators of single records."""

from typing import Any

from ..errors import ConfigError


class Bounded:
    """`begin`, `step` and `end` beside `learn_one`: no state goes over from one to the next.

    >>> from stream_rnn import RecurrentRegressor
    >>> model = RecurrentRegressor(seed=1)
    >>> for n in range(200):
    ...     model.begin()
    ...     made = [model.step({"x": x}, 3.0 * k) for k, x in enumerate((1.0, 0.5, 0.7))]
    ...     model.end()
    >>> [round(float(p)) for p in made]
    [0, 3, 6]
    """

    def begin(self) -> None:
        """Begin a sequence: hidden state, traces and past targets start anew.

        What was learned stays, the running statistics too.  A prediction for the new sequence
        never depends on the steps of the one before.
        """
        if self._contexts is not None:  # type: ignore[attr-defined]
            raise ConfigError("begin: the network is shared by many keys; give each one its own")
        network = self._network  # type: ignore[attr-defined]
        if network is not None:
            network.context[:] = 0
            self._lags.forget(network.outputs)  # type: ignore[attr-defined]

    def step(self, x: dict, y: Any = None) -> Any:
        """Take the next step, with its target if it has one; its prediction, made before."""
        (row,) = self.stream([x], [y])  # type: ignore[attr-defined]
        return row["prediction"]

    def end(self) -> None:
        """End the sequence: what comes next, comes first."""
        self.begin()
