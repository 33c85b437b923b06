"""What the loop asks of a network, whichever kind it is; chosen while compiling.

`network` has a fast kernel of its own, `engine_network` runs any cell and learner.  The
choice is made by the type of the state, and the chosen function takes the place of the
call, so that it costs nothing.
"""

from numba.extending import overload

from stream_rnn.text import engine_network as engine
from stream_rnn.text import network_backward as backward
from stream_rnn.text import network_forward as ahead
from stream_rnn.text.engine_network import EngineNetwork
from stream_rnn.text.network_replay import remember, replay


def has_failed(net):
    """Whether the network must be restored before it goes on."""
    return isinstance(net, EngineNetwork) and bool(net.place[engine.FAILED])


def forward(net, symbol):
    """Read a symbol."""
    (engine if isinstance(net, EngineNetwork) else ahead).forward(net, symbol)


def foretell(net, seen, full):
    """Predict the next symbol: net.p[:seen]."""
    (engine if isinstance(net, EngineNetwork) else ahead).predict(net, seen, full)


def stay(net):
    """Make the state after the newest symbol the one before the next, without learning."""
    (engine if isinstance(net, EngineNetwork) else ahead).stay(net)


def learn(net, symbol, seen, full):
    """Learn the symbol that came."""
    if isinstance(net, EngineNetwork):
        engine.learn(net, symbol)
    else:
        learn_and_replay(net, symbol, seen, full)


def take_in(net, symbol, new):
    """A new symbol gets its output; the network remembers what it read."""
    if isinstance(net, EngineNetwork):
        if new:
            engine.adopt_column(net, symbol)
    else:
        if new:
            backward.adopt_row(net, symbol)
        remember(net, symbol)


@backward.inlined
def learn_and_replay(net, symbol, seen, full):
    """The output's step; at the end of a block the block, and perhaps an old one."""
    backward.learn_output(net, symbol, seen)
    backward.next_position(net)
    replay(net, None, seen, full)


def _is_engine(net) -> bool:
    return getattr(net, "instance_class", None) is EngineNetwork


@overload(has_failed, inline="always")
def _has_failed(net):
    if _is_engine(net):
        return lambda net: engine.has_failed(net)
    return lambda net: False


@overload(forward, inline="always")
def _forward(net, symbol):
    if _is_engine(net):
        return lambda net, symbol: engine.forward(net, symbol)
    return lambda net, symbol: ahead.forward(net, symbol)


@overload(foretell, inline="always")
def _foretell(net, seen, full):
    if _is_engine(net):
        return lambda net, seen, full: engine.predict(net, seen, full)
    return lambda net, seen, full: ahead.predict(net, seen, full)


@overload(stay, inline="always")
def _stay(net):
    if _is_engine(net):
        return lambda net: engine.stay(net)
    return lambda net: ahead.stay(net)


@overload(learn, inline="always")
def _learn(net, symbol, seen, full):
    if _is_engine(net):
        return lambda net, symbol, seen, full: engine.learn(net, symbol)
    return lambda net, symbol, seen, full: learn_and_replay(net, symbol, seen, full)


@overload(take_in, inline="always")
def _take_in(net, symbol, new):
    if _is_engine(net):

        def engine_takes(net, symbol, new):
            if new:
                engine.adopt_column(net, symbol)

        return engine_takes

    def kernel_takes(net, symbol, new):
        if new:
            backward.adopt_row(net, symbol)
        remember(net, symbol)

    return kernel_takes
