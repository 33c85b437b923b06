"""What an anomaly detector keeps of a field beside its novelty: forecaster, or values of text."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..categories.rarity import Rarity
from ..forecasting.series import Series
from ..forecasting.twins import Twins
from ..numerics.trees import below
from .anomaly_records import Table


class EachField:
    """By place: *series* for the fields of numbers, *rarities* for those of text.

    A forecaster is made of *specs* and *seed*; there are none unless *forecaster*.
    """

    def __init__(self, specs: tuple[Any, ...], seed: int, forecaster: bool):
        self.specs, self.seed, self.forecaster = specs, seed, forecaster
        self.series: dict[int, Series] = {}
        self.rarities: dict[int, Rarity] = {}
        self._twins = Twins(Series(specs, (1,), 0, seed))

    def add(self, f: int, is_text: bool) -> None:
        """Begin with the field at place *f*."""
        if is_text:
            self.rarities[f] = Rarity()
        elif self.forecaster:
            self.series[f] = self._twins.born()

    def newest(self) -> dict[int, np.ndarray]:
        """The forecast row (1, WIDTH) of the next value of each field that has one."""
        return {f: one.newest(0)[None] for f, one in self.series.items()}

    def forecast(self, values: np.ndarray) -> dict[int, np.ndarray]:
        """Forecast rows (T, WIDTH) of each column of numbers of *values*, which is learned."""
        inputs = np.empty((len(values), 0))
        return {
            f: one.run(np.ascontiguousarray(values[:, f]), inputs)[0]
            for f, one in self.series.items()
        }

    def look(self, part: Table) -> None:
        """Write how rare the texts of one record are into its table."""
        for f, (text,) in part.texts.items():
            if text is not None:
                part.values[0, f] = self.rarities[f].surprise(text)

    def learn_texts(self, part: Table) -> dict[int, list[int]]:
        """Write how rare the texts are into the table; how often each was met before."""
        found: dict[int, list[int]] = {}
        for f, texts in part.texts.items():
            rarity, counts = self.rarities[f], found.setdefault(f, [])
            for t, text in enumerate(texts):
                counts.append(0 if text is None else rarity.count(text))
                if text is not None:
                    part.values[t, f] = rarity.surprise(text)
                    rarity.learn(text)
        return found

    # State --------------------------------------------------------------------------------

    def arrays(self) -> dict[str, np.ndarray]:
        """Copies of what is saved, by name."""
        found = {f"values.{f}": rarity.packed() for f, rarity in self.rarities.items()}
        for f, one in self.series.items():
            found |= {f"{f}.{name}": array.copy() for name, array in one.arrays().items()}
        return found

    def load(self, fields: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Take over what `arrays` gave of so many *fields*; raises KeyError or ValueError."""
        texts = {int(f): packed for f, packed in below("values.", arrays).items()}
        for f in range(fields):
            self.add(f, f in texts)
        for f, rarity in self.rarities.items():
            rarity.load(texts[f])
        for f, one in self.series.items():
            one.load(below(f"{f}.", arrays))
