"""What the loop asks of a network, whichever kind it is; chosen while compiling.

`network` has a fast kernel of its own, `engine_network` runs any cell and learner.
"""

from stream_rnn.dispatch import generic
from stream_rnn.text import engine_network as engine
from stream_rnn.text import network_backward as backward
from stream_rnn.text import network_forward as ahead
from stream_rnn.text import network_replay as again
from stream_rnn.text.engine_network import EngineNetwork
from stream_rnn.text.network import Network


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
