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

import contextlib
import functools
import gc
import hashlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from numba import config, njit, types
from numba.core import caching
from numba.extending import overload, register_jitable

from .codegen.parts import PartCompiler

PACKAGE = Path(__file__).parent
LEAN = {"error_model": "numpy", "no_cfunc_wrapper": True, "_nrt": False}  # allocates nothing
INNER = LEAN | {"no_cpython_wrapper": True, "pipeline_class": PartCompiler}  # no entry point


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
            implementations[kind] = implementation
        implementation.__signature__ = signature  # Numba compares names *and* annotations
        return implementation

    choose.__signature__ = signature
    overload(operation, jit_options=INNER)(choose)
    operation.register = register
    operation.registry = implementations
    return operation


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


def compiled(function: Callable) -> Any:
    """``njit`` with a disk cache that is never stale; see `_PackageCache`."""
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
        with contextlib.suppress(RuntimeError):  # nowhere to write: compile in memory
            dispatcher._cache = _PackageCache(dispatcher.py_func)
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


@functools.cache
def fingerprint() -> str:
    """A hash of the package's sources and their names: the key of the compile cache."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        source = path.read_bytes()
        digest.update(f"{path.relative_to(PACKAGE)} {len(source)}\n".encode() + source)
    return digest.hexdigest()[:16]


class _Fingerprinted:
    def get_cache_path(self):
        return str(Path(super().get_cache_path()) / fingerprint())


class _InCacheDir(_Fingerprinted, caching.UserProvidedCacheLocator): ...


class _InHome(_Fingerprinted, caching.UserWideCacheLocator): ...


class _PackageCacheImpl(caching.CompileResultCacheImpl):
    _locator_classes: ClassVar = [_InCacheDir, _InHome]


class _PackageCache(caching.FunctionCache):
    """Numba's cache watches one file; this one watches the package, and skips foreign specs.

    An entry function's machine code contains the kernels it was composed of, so the key
    is the whole package; a spec defined elsewhere is outside the key and is not cached.
    """

    _impl_class = _PackageCacheImpl

    def load_overload(self, sig, target_context):
        return super().load_overload(sig, target_context) if _is_ours(sig) else None

    def save_overload(self, sig, data):
        if _is_ours(sig):
            super().save_overload(sig, data)


def _is_ours(arguments) -> bool:
    """Whether every spec class among the argument types is defined in this package."""
    for kind in arguments:
        inside: Any = ()
        if isinstance(kind, types.BaseTuple):
            inside = kind.types
        elif isinstance(kind, types.StructRef):
            inside = kind.field_dict.values()
        named = isinstance(kind, types.BaseNamedTuple)
        if named and not Path(inspect.getfile(kind.instance_class)).is_relative_to(PACKAGE):
            return False
        if not _is_ours(inside):
            return False
    return True
