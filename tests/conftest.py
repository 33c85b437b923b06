"""Fixtures shared by the tests."""

import importlib
import os

import pytest
from hypothesis import settings

# A first call compiles, and machines that run tests are busy: no deadline for an example.  The
# quick tests try the same examples each time, the long ones look for others.
settings.register_profile("quick", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """The longest files first: side by side, a file is the work of one process."""

    def turn(item) -> int:
        path = str(item.path)
        with_broker = any(word in path for word in ("kafka", "faults", "exactly_once"))
        return 0 if "no_jit" in path else 1 if with_broker else 2

    items.sort(key=turn)


@pytest.fixture(scope="module")
def interpreted():
    """Networks made in this module run as plain Python: milliseconds instead of a compilation."""
    from stream_rnn.codegen import bound
    from stream_rnn.engine import loop as engine
    from stream_rnn.numerics.laid import Laid

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Laid, "bound", lambda laid: bound.Parts(laid.model, *laid.arrays))
        for name in ("predict", "prequential", "prequential_keyed"):
            function = getattr(engine, name)
            patch.setattr(engine, name, getattr(function, "py_func", function))
        for tool in ("frozen_stream", "gradient_check", "compare_gradients"):
            module = importlib.import_module(f"stream_rnn.tools.{tool}")
            for name in ("stream_gradients", "stream_losses"):
                if function := getattr(module, name, None):
                    patch.setattr(module, name, getattr(function, "py_func", function))
        yield


@pytest.fixture(scope="session")
def kafka_bootstrap():
    """The address of a real Kafka: KAFKA_BOOTSTRAP, or a node started for this session.

    Without a broker the tests that want one fail; they are never skipped.
    """
    if given := os.environ.get("KAFKA_BOOTSTRAP"):
        yield given
        return
    from kafka_broker import Broker

    with Broker() as broker:
        yield broker.bootstrap


@pytest.fixture(scope="session")
def topics(kafka_bootstrap):
    """Makes and reads topics on the broker."""
    from kafka_broker import Topics

    helper = Topics(kafka_bootstrap)
    yield helper
    helper.close()
