"""Small dense loops in axpy order, and how many threads BLAS may use.

Axpy order (the inner loop runs over contiguous outputs) vectorises without reordering a
sum, so results do not depend on the vector width.  BLAS is the OpenBLAS inside SciPy (see
`codegen.blas`); it is held to one thread unless told otherwise, because the split of a sum over
threads changes its last bits.
"""

import functools
import os

from ..codegen.dispatch import kernel
from ..errors import ConfigError


@kernel
def combine_rows(v, M, out):
    """out (N,) = Σ_r v_r M_r of the rows of M (R, N), four at a time: *out* stays in registers."""
    rows, columns = M.shape
    for j in range(columns):
        out[j] = 0
    whole = rows - rows % 4
    for r in range(0, whole, 4):
        v0, v1, v2, v3 = v[r], v[r + 1], v[r + 2], v[r + 3]
        for j in range(columns):
            out[j] += v0 * M[r, j] + v1 * M[r + 1, j] + v2 * M[r + 2, j] + v3 * M[r + 3, j]
    for r in range(whole, rows):
        v0 = v[r]
        for j in range(columns):
            out[j] += v0 * M[r, j]


@kernel
def copy(source, target):
    """Elementwise copy of one-dimensional arrays (slice assignment is slow to compile)."""
    for i in range(target.size):
        target[i] = source[i]


@kernel
def zero(target):
    """Set a one-dimensional array to 0."""
    for i in range(target.size):
        target[i] = 0


@functools.cache
def limit_blas_threads() -> int:
    """Hold SciPy's BLAS to STREAM_RNN_THREADS threads (default 1); returns that number.

    BlockRTRL and TBPTT of a hundred units or more are faster with two.  Raises
    `ConfigError` for what is not a number of threads.
    """
    given = os.environ.get("STREAM_RNN_THREADS", "1")
    if not given.isdecimal() or int(given) < 1:
        raise ConfigError(f"STREAM_RNN_THREADS = {given!r}: give a number of threads, such as 2")
    import scipy.linalg.cython_blas  # noqa: F401  (loads the library that Numba will call)
    from threadpoolctl import ThreadpoolController

    for library in ThreadpoolController().lib_controllers:
        if library.user_api == "blas" and "scipy" in (library.filepath or ""):
            library.set_num_threads(int(given))
    return int(given)
