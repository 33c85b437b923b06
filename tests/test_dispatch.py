"""Static dispatch, a compile cache that cannot go stale, and loops that allocate nothing."""

import gc
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from helpers import network, wave
from numba import njit
from numba.core.errors import TypingError
from numba.core.runtime import _nrt_python, rtsys
from numba.extending import overload

import stream_rnn
from stream_rnn.cells import Elman
from stream_rnn.codegen.cache import fingerprint
from stream_rnn.codegen.dispatch import compiled, generic
from stream_rnn.engine import loop as engine
from stream_rnn.learners import TBPTT
from stream_rnn.optimizers import Adam


class Double(NamedTuple):
    pass


class Power(NamedTuple):
    exponent: float = 2.0


@generic
def apply(spec, value):
    """Apply *spec* to *value*."""


@apply.register
def double(spec: Double, value):
    return 2.0 * value


@apply.register
def power(spec: Power, value):
    return value**spec.exponent


@apply.register
def end(spec: (), value):
    return value


@apply.register
def chain(spec: tuple, value):
    return apply(spec[1:], apply(spec[0], value))


@njit
def compiled_apply(spec, value):
    return apply(spec, value)


# Dispatch -----------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [apply, compiled_apply], ids=["Python", "Numba"])
def test_a_spec_selects_its_implementation(call):
    assert call(Double(), 3.0) == 6.0
    assert call(Power(3.0), 2.0) == 8.0
    assert call((Double(), Power(2.0), Double()), 3.0) == 72.0
    assert call((), 3.0) == 3.0


def test_an_operation_lists_its_specs_and_keeps_its_docstring():
    assert set(apply.registry) == {Double, Power, (), tuple}
    assert apply.__doc__ == "Apply *spec* to *value*."


def test_what_is_not_registered_is_named():
    with pytest.raises(TypeError, match="apply is not defined for int"):
        apply(3, 1.0)


def test_an_implementation_must_take_the_same_arguments():
    with pytest.raises(TypeError, match="other must take"):

        @apply.register
        def other(spec: Double, x):
            return x


def test_no_two_kinds_have_the_same_name():
    before = dict(apply.registry)

    class Double(NamedTuple):
        by: float = 1.0

    with pytest.raises(TypeError, match="has a kind of that name"):

        @apply.register
        def other(spec: Double, value):
            return value

    assert apply.registry == before


# The compile cache: in processes of their own, on a copy of the package ---------------------

PROBE = """
from .codegen.dispatch import compiled
from .probe_kernel import twice

@compiled
def probe(spec, x):
    return twice(spec, x)
"""

KERNEL = """
from typing import NamedTuple
from .codegen.dispatch import generic

class Plain(NamedTuple):
    rate: float = 1.0

@generic
def twice(spec, x):
    "Two times x."

@twice.register
def twice_plain(spec: Plain, x):
    return 2.0 * x
"""

CALL = """
from stream_rnn.probe import probe
from stream_rnn.probe_kernel import Plain, twice
{setup}
value = probe({spec}, 3.0)
print(value, sum(probe.stats.cache_hits.values()), sum(probe.stats.cache_misses.values()))
"""

FOREIGN = """
from typing import NamedTuple

class Foreign(NamedTuple):
    rate: float = 1.0

@twice.register
def twice_foreign(spec: Foreign, x):
    return {factor} * x

@twice.register
def twice_chain(spec: tuple, x):
    return twice(spec[0], x)
"""


@pytest.fixture
def package(tmp_path):
    """A copy of the package with a small compiled function in it, and how to call that."""
    source = Path(stream_rnn.__file__).parent
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(source, tmp_path / "stream_rnn", ignore=ignore)
    (tmp_path / "stream_rnn" / "probe.py").write_text(PROBE)
    (tmp_path / "stream_rnn" / "probe_kernel.py").write_text(KERNEL)
    (tmp_path / "home").mkdir()

    def call(spec="Plain()", setup="", **environment):
        """(value, cache hits, cache misses) of one call in a new process."""
        script = tmp_path / "call.py"
        script.write_text(CALL.format(spec=spec, setup=setup))
        settings = {
            "PYTHONPATH": str(tmp_path),
            "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
            "HOME": str(tmp_path / "home"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PATH": os.environ["PATH"],
        }
        done = subprocess.run(
            [sys.executable, "-W", "error", script],
            env=settings | environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        value, hits, misses = done.stdout.split()
        return float(value), int(hits), int(misses)

    call.folder = tmp_path / "stream_rnn"
    return call


def test_a_second_process_starts_from_the_cache(package):
    assert package() == (6.0, 0, 1)
    assert package() == (6.0, 1, 0)


def test_editing_any_source_invalidates_the_cache(package):
    package()
    kernel = package.folder / "probe_kernel.py"
    kernel.write_text(KERNEL.replace("2.0 * x", "5.0 * x"))
    assert package() == (15.0, 0, 1)
    for name in ("losses.py", "cells/lstm.py", "estimators/base.py"):
        path = package.folder / name
        path.write_text(path.read_text() + "# a comment\n")
        assert package() == (15.0, 0, 1), name
    (package.folder / "new.py").write_text("")
    assert package() == (15.0, 0, 1)
    assert package() == (15.0, 1, 0)


def test_a_spec_from_elsewhere_is_compiled_anew_each_time(package):
    """Its code is not part of the key: a cached version could be stale."""
    for spec in ("Foreign()", "(Foreign(),)"):
        for factor in (7.0, 8.0):
            setup = FOREIGN.format(factor=factor)
            assert package(spec, setup) == (3 * factor, 0, 1)


@pytest.mark.parametrize("cache", ["a file/cache", "a file", ""])
def test_without_a_folder_to_write_to_it_compiles_in_memory(package, tmp_path, cache):
    blocked = tmp_path / "a file"
    blocked.write_text("")
    where = str(tmp_path / cache) if cache else ""
    for _ in range(2):
        value, hits, _ = package(NUMBA_CACHE_DIR=where, HOME=str(blocked))
        assert (value, hits) == (6.0, 0)


def test_a_home_folder_serves_where_no_cache_folder_is_set(package):
    assert package(NUMBA_CACHE_DIR="") == (6.0, 0, 1)
    assert package(NUMBA_CACHE_DIR="") == (6.0, 1, 0)


def test_the_key_is_of_the_whole_package():
    assert len(fingerprint()) == 16
    assert fingerprint() in str(engine.prequential._cache.cache_path)


# No allocation ------------------------------------------------------------------------------


@njit
def allocating(n):
    total = 0.0
    for i in range(n):
        total += np.empty(i + 1).size
    return total


def allocations(call):
    """Blocks of memory that Numba's runtime has handed out during *call*."""
    _nrt_python.memsys_enable_stats()
    before = rtsys.get_allocation_stats().alloc
    call()
    return rtsys.get_allocation_stats().alloc - before


def test_no_allocation_per_record():
    allocating(1)
    assert allocations(lambda: allocating(50)) >= 50  # the measure measures
    net = network(Elman(3), TBPTT(5), scale=True, optimizer=Adam(0.01))
    X, Y = wave(2000)
    net.prequential(X[:1], Y[:1])
    net.predict(X[:1])
    few = allocations(lambda: net.prequential(X[:10], Y[:10]))
    assert allocations(lambda: net.prequential(X, Y)) == few
    assert allocations(lambda: net.predict(X)) == allocations(lambda: net.predict(X[:10]))


def test_the_collector_rests_while_a_function_is_compiled():
    """And works again afterwards, also when the function cannot be compiled."""
    during = []

    @overload(observed)
    def _compile_observed():
        during.append(gc.isenabled())
        return lambda: 1

    @compiled
    def observer():
        return observed()

    @compiled
    def broken():
        return observed() + "text"

    observer._cache.flush()  # else it is compiled in the first run of these tests only
    assert observer() == 1
    assert during == [False]
    assert gc.isenabled()
    with pytest.raises(TypingError):
        broken()
    assert gc.isenabled()


def observed():
    """Stands for `_compile_observed`."""
