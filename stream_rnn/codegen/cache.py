"""The disk cache of compiled code, keyed by the sources of the whole package."""

import contextlib
import functools
import hashlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from numba import types
from numba.core import caching

from .bound import BoundType

PACKAGE = Path(__file__).parents[1]  # all of stream_rnn: its kernels are composed across rooms


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


class _CacheImpl(caching.CompileResultCacheImpl):
    _locator_classes: ClassVar = [_InCacheDir, _InHome]


class _OnDisk(caching.FunctionCache):
    _impl_class = _CacheImpl


class PackageCache:
    """Numba's cache watches one file; this one watches the package, and skips foreign specs.

    An entry function's machine code contains the kernels it was composed of, so the key
    is the whole package; a spec defined elsewhere is outside the key and is not cached.
    The disk is looked at when something is called for the first time, not at the import.
    """

    def __init__(self, function: Callable):
        self._function = function

    @functools.cached_property
    def _disk(self) -> Any:
        with contextlib.suppress(RuntimeError):  # nowhere to write: compile in memory
            return _OnDisk(self._function)
        return caching.NullCache()

    @property
    def cache_path(self) -> str | None:
        """The folder of the files."""
        return self._disk.cache_path

    def load_overload(self, sig, target_context):
        return self._disk.load_overload(sig, target_context) if _is_ours(sig) else None

    def save_overload(self, sig, data):
        if _is_ours(sig):
            self._disk.save_overload(sig, data)

    def flush(self) -> None:
        self._disk.flush()


def _is_ours(arguments) -> bool:
    """Whether every spec class among the argument types is defined in this package."""
    for kind in arguments:
        inside: Any = ()
        if isinstance(kind, types.BaseTuple):
            inside = kind.types
        elif isinstance(kind, BoundType):
            inside = kind.of.types
        named = isinstance(kind, types.BaseNamedTuple)
        if named and not _is_inside(kind.instance_class):
            return False
        if not _is_ours(inside):
            return False
    return True


def _is_inside(spec: type) -> bool:
    """Whether a class is defined in a file of the package; one of a notebook has no file."""
    try:
        return Path(inspect.getfile(spec)).is_relative_to(PACKAGE)
    except (TypeError, OSError):
        return False
