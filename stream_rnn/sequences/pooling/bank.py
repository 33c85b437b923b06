"""The members for sequences, and the defaults."""

from typing import Any

from ...mixtures.middle import Middle
from ...mixtures.outside import Given
from .gaussian import Gaussian
from .linear import Linear

NETWORK = Given("network")  # what the trained networks predict
SECOND = Given("network_2")

#: Least squares on all of the summary, less and more bound by its prior, and on each part of it.
LINEAR: tuple = (
    Linear(),
    Linear(0.01),
    Linear(state=False, statistics=False),
    Linear(state=False, outline=False),
    Linear(statistics=False, outline=False),
)


def members(task: Any, states: int, networks: int) -> tuple:
    """All members for a summary with so many *states*, and so many trained networks."""
    inner: tuple = (*LINEAR, Gaussian() if task.discrete else Middle())
    placed = tuple(s._replace(states=states) if hasattr(s, "states") else s for s in inner)
    return (*placed, *(NETWORK, SECOND)[:networks])


def names(task: Any, networks: int) -> list[str]:
    """The same by name."""
    last = "gaussian" if task.discrete else "median"
    given = ["network", "network_back"][:networks]
    return ["all", "all_bound", "outline", "statistics", "reservoir", last, *given]
