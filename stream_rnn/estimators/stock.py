"""Estimators with the same settings, to be used one after the other."""

from typing import Any

import numpy as np

from .base import RecurrentEstimator


class Stock:
    """Makes estimators with the settings of *template*, and uses again what it is given back.

    The template itself learns nothing.
    """

    def __init__(self, template: Any):
        self.template = template
        self._spare: Any = None
        self._networks: dict[tuple[int, int], Any] = {}  # one to be used, by inputs and outputs
        self._newborn: dict[tuple[int, int], np.ndarray] = {}  # the state of a new one

    def new(self) -> Any:
        """An estimator that has learned nothing."""
        if not isinstance(self._spare, RecurrentEstimator):
            return self._clone()
        model, self._spare = self._spare, None
        if model._network is not None:
            network = model._network
            self._networks = {(network.inputs, network.outputs): network}
        model._shape([], [], 0)
        return model

    def take(self) -> Any:
        """An estimator in whatever state, to be given another one."""
        model, self._spare = self._spare, None
        return self._clone() if model is None else model

    def release(self, model: Any) -> None:
        """Keep *model*, whose arrays can take another's values."""
        self._spare = model

    def _clone(self) -> Any:
        model = self.template.clone()
        if isinstance(model, RecurrentEstimator):
            model._maker = self._make
        return model

    def _make(self, inputs: int, outputs: int) -> Any:
        """A new network: to copy its state is quicker than to draw it."""
        size = inputs, outputs
        network = self._networks.pop(size, None)
        if network is None or size not in self._newborn:
            network = self.template._new_network(inputs, outputs)
            self._newborn = {size: network.words.copy()}
        else:
            network.words[:] = self._newborn[size]
        return network
