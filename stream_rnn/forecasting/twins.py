"""Many series that begin alike: the first is made, the others are copies of its blocks."""

from ..numerics import trees
from .lengthen import in_blocks
from .series import Series


class Twins:
    """Series that are, at first, as *first* is; nobody else uses that.

    >>> from stream_rnn.forecasting.experts.default import LIGHT
    >>> twins = Twins(Series(LIGHT, horizons=(1,), inputs=0, seed=0))
    >>> one, other = twins.born(), twins.born()
    >>> one.banks[0].mix.expected[:] = 1
    >>> int(other.banks[0].mix.expected.sum())
    0
    """

    def __init__(self, first: Series):
        self.first, self._blocks = first, in_blocks([], first.banks)

    def born(self) -> Series:
        """Another one."""
        series = object.__new__(Series)
        series.__dict__.update(self.first.__getstate__())
        series._make_room(series.inputs)
        if self._blocks:
            blocks = [block.twin() for block in self._blocks]
            series._hold([block.state for block in blocks], blocks)
        else:
            series._hold([trees.duplicate(bank) for bank in self.first.banks])
        return series
