"""What the loop asks of a network, whichever kind it is; chosen while compiling.

`coupled_lstm` has a fast kernel of its own, `any_cell` runs any cell and learner.
"""

from functools import singledispatch
from typing import Any

from ...codegen.dispatch import generic
from . import any_cell as engine
from . import backward
from . import forward as ahead
from . import replay as again
from .any_cell import EngineHost, EngineNetwork, EngineSpec
from .coupled_lstm import Network, NetworkHost, NetworkSpec


@singledispatch
def host(spec: Any, seed: int) -> Any:
    """Who makes, enlarges and restores the network of a spec; None for no network."""
    return None


host.register(NetworkSpec, NetworkHost)
host.register(EngineSpec, EngineHost)


@generic
def has_failed(net):
    """Whether the network must be restored before it goes on."""


@generic
def forward(net, symbol):
    """Read a symbol."""


@generic
def foretell(net, seen, full):
    """Predict the next symbol: net.p[:seen]."""


@generic
def stay(net):
    """Make the state after the newest symbol the one before the next, without learning."""


@generic
def learn(net, symbol, seen, full):
    """Learn the symbol that came."""


@generic
def take_in(net, symbol, new):
    """A new symbol gets its output; the network remembers what it read."""


forward.register(engine.forward, EngineNetwork)
foretell.register(engine.predict, EngineNetwork)
stay.register(engine.stay, EngineNetwork)
has_failed.register(engine.has_failed, EngineNetwork)
forward.register(ahead.forward, Network)
foretell.register(ahead.predict, Network)
stay.register(ahead.stay, Network)


@has_failed.register
def _never_fails(net: Network):
    return False


@learn.register
def _learn_and_replay(net: Network, symbol, seen, full):
    again.learn(net, None, symbol, seen, full)


@learn.register
def _engine_learns(net: EngineNetwork, symbol, seen, full):
    engine.learn(net, symbol)


@take_in.register
def _kernel_takes(net: Network, symbol, new):
    if new:
        backward.adopt_row(net, symbol)
    again.remember(net, symbol)


@take_in.register
def _engine_takes(net: EngineNetwork, symbol, new):
    if new:
        engine.adopt_column(net, symbol)
