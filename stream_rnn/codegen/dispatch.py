"""Static dispatch: declare an operation once, implement it once per spec type.

Like ``functools.singledispatch``, but Numba makes the choice while compiling, so it
costs nothing at run time.  Under ``NUMBA_DISABLE_JIT=1`` the same code dispatches in
plain Python, which is how coverage and a debugger see it.

>>> from typing import NamedTuple
>>> class Double(NamedTuple): ...
>>> @generic
... def apply(spec, value):
...     "Apply *spec* to *value*."
>>> @apply.register
... def double(spec: Double, value):
...     return 2 * value
>>> apply(Double(), 21)
42
"""

import functools
import gc
import inspect
from collections.abc import Callable
from typing import Any

from numba import config, njit
from numba.extending import overload, register_jitable

from .cache import PackageCache
from .part_compiler import PartCompiler

LEAN: Any = {"error_model": "numpy", "no_cfunc_wrapper": True, "_nrt": False}  # allocates nothing
LOOSE = {"reassoc", "contract", "arcp", "nsz", "afn"}
INNER: Any = LEAN | {"no_cpython_wrapper": True, "pipeline_class": PartCompiler}  # no entry point


def generic(stub: Callable) -> Any:
    """Turn `stub` into an operation dispatched on the type of its first argument.

    ``operation.register`` adds the implementation for the type that annotates the first
    parameter, or for the types given after it; ``operation.registry`` lists them.
    """
    implementations: dict[Any, Callable] = {}
    signature = inspect.signature(stub)

    @functools.wraps(stub)
    def operation(*args):
        kind = _kind(type(args[0]), args[0])
        if kind not in implementations:
            raise TypeError(f"{stub.__name__} is not defined for {kind.__name__}")
        return implementations[kind](*args)

    def choose(*args):
        return implementations.get(_kind(getattr(args[0], "instance_class", tuple), args[0]))

    def register(implementation, *kinds):
        parameters = inspect.signature(implementation, eval_str=True).parameters
        if list(parameters) != list(signature.parameters):
            raise TypeError(f"{implementation.__name__} must take {signature}")
        for kind in kinds or (next(iter(parameters.values())).annotation,):
            _refuse_namesake(kind, implementations)
            implementations[kind] = implementation
        implementation.__signature__ = signature  # Numba compares names *and* annotations
        return implementation

    choose.__signature__ = signature
    overload(operation, jit_options=INNER)(choose)
    operation.register = register
    operation.registry = implementations
    return operation


def _refuse_namesake(kind, others):
    """Compiled code calls the one's implementation for the other where their fields are alike."""
    for other in others:
        if kind != () and other not in ((), kind) and other.__name__ == kind.__name__:
            raise TypeError(
                f"{kind.__module__}.{kind.__name__}: {other.__module__} has a kind of that name; "
                "give it another name"
            )


def _kind(spec, value):
    """A chain is a plain tuple, and its end, (), is a kind of its own."""
    return () if spec is tuple and len(value) == 0 else spec


def kernel(function: Callable, **options: Any) -> Any:
    """A part of compiled functions: plain Python when called from Python.

    It has no entry point and no cache file of its own, which saves compile time where many
    small kernels are composed, and it cannot allocate: Numba's memory manager is off, so
    that an array made in it, or returned from it, is a compile error.  *options* are those
    of Numba's ``jit``.
    """
    return register_jitable(**(INNER | options))(function)


def loose_kernel(function: Callable) -> Any:
    """A `kernel` whose sums LLVM may reorder, contract to fused multiply-adds, and divide by
    reciprocals; NaN and infinity stay, for guards test for them.

    The same machine code runs for one record and for a chunk, and arrays lie as `numerics.places`
    says, so that reordering never makes two runs differ.
    """
    return kernel(function, fastmath=LOOSE)


def compiled(function: Callable) -> Any:
    """``njit`` with a disk cache that is never stale; see `PackageCache`."""
    return _cached(njit(function, nogil=True, error_model="numpy", no_cfunc_wrapper=True))


def entry(function: Callable) -> Any:
    """`compiled`, for a function that like a `kernel` allocates nothing.

    Without the memory manager no reference is counted when the arrays of a state are
    passed on, which takes several microseconds off a record.
    """
    return _cached(njit(function, nogil=True, **LEAN))


def _cached(dispatcher):
    if not config.DISABLE_JIT:
        dispatcher.compile = _without_collector(dispatcher.compile)
        dispatcher._cache = PackageCache(dispatcher.py_func)
    return dispatcher


def _without_collector(compile_: Callable) -> Callable:
    """The same with garbage collection off: a quarter of the time of compiling is spent in it."""

    @functools.wraps(compile_)
    def compile_now(signature):
        enabled = gc.isenabled()
        gc.disable()
        try:
            return compile_(signature)
        finally:
            if enabled:
                gc.enable()

    return compile_now
