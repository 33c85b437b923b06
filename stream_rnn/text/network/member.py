"""What the loop asks of a network, whichever kind it is; chosen while compiling.

`network` has a fast kernel of its own, `engine_network` runs any cell and learner.
"""

from ...codegen.dispatch import generic
from . import any_cell as engine
from . import backward as backward
from . import forward as ahead
from . import replay as again
from .any_cell import EngineNetwork
from .coupled_lstm import Network


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
