"""PyTorch's GRU, one sequence at a time."""

import numpy as np
import torch

from .simple import Scaled


class TorchGRU:
    """GRU(32), a linear readout of the last state, cross-entropy, Adam(0.01), clip 1."""

    def __init__(self, inputs: int, classes: int, seed: int):
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        self.gru, self.out = (
            torch.nn.GRU(inputs, 32, batch_first=True),
            torch.nn.Linear(32, classes),
        )
        self.parameters = [*self.gru.parameters(), *self.out.parameters()]
        self.adam, self.scale = torch.optim.Adam(self.parameters, 0.01), Scaled(inputs)

    def _logits(self, X: np.ndarray) -> torch.Tensor:
        steps = torch.tensor(self.scale(X), dtype=torch.float32)[None]
        return self.out(self.gru(steps)[0][:, -1])

    def predict(self, X: np.ndarray) -> int:
        with torch.no_grad():
            return int(self._logits(X).argmax())

    def learn(self, X: np.ndarray, y: int) -> None:
        loss = torch.nn.functional.cross_entropy(self._logits(X), torch.tensor([y]))
        self.adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.adam.step()
        self.scale.take(X)
