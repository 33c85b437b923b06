"""Parts of compiled loops that are put wherever they are called: how those over text are made.

`inlined` allows reassociation of sums and fused multiply-adds, but not the assumption that
no value is NaN, so that a diverged network stays visible; `ordered` assumes it for the sake
of a vectorised maximum.

Both go wherever they are called, up to the entry function.  To pass on a state of
thirty arrays by value costs more than most kernels do.  And with reassociation the last bits
depend on the machine code: a part that stands apart is there twice, as it was compiled by
itself and as it was compiled with its entry, and a process that compiles would run the one,
a process that loads from the cache the other.

They are plain Python when called from Python.  None allocates: an array made in one is a
compile error.
"""

from collections.abc import Callable
from types import FunctionType
from typing import Any

from numba import config, njit, types
from numba.core.typing.templates import infer_global

from .dispatch import INNER


def _part(fastmath: set[str]) -> Callable[[Callable], Any]:
    """Declare a part of compiled functions.

    Unlike ``register_jitable`` it is compiled once for the types of its arguments, and not
    again for callers with other options.
    """

    def declare(function: Callable) -> Any:
        if not config.DISABLE_JIT:
            dispatcher = njit(function, fastmath=fastmath, forceinline=True, **INNER)
            infer_global(function, types.Dispatcher(dispatcher))
            function.__dict__["dispatcher"] = dispatcher  # Numba's type holds it weakly
        return function

    return declare


def anew(function: Callable) -> Callable:
    """The same source as another function, to be compiled in another way."""
    return FunctionType(function.__code__, function.__globals__, function.__name__)


inlined = _part({"reassoc", "contract", "nsz", "arcp"})
ordered = _part({"reassoc", "nsz", "nnan"})
