"""The loops of `linalg` against NumPy, and the threads that BLAS may use."""

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from stream_rnn import ConfigError
from stream_rnn.numerics.linalg import combine_rows, limit_blas_threads


@pytest.mark.parametrize(("rows", "columns"), [(0, 3), (1, 1), (4, 5), (7, 16)])
def test_combine_rows(rows, columns):
    rng = np.random.default_rng(rows)
    v, M, out = rng.normal(size=rows), rng.normal(size=(rows, columns)), np.full(columns, np.nan)
    combine_rows(v, M, out)
    assert np.allclose(out, v @ M, rtol=1e-14, atol=1e-14)


def blas_threads():
    """Of the BLAS inside SciPy."""
    found = ThreadpoolController().info()
    return {b["num_threads"] for b in found if "scipy" in b["filepath"] and b["user_api"] == "blas"}


@pytest.fixture
def asked(monkeypatch):
    """Ask for a number of threads; afterwards it is one again."""

    def ask(threads):
        monkeypatch.setenv("STREAM_RNN_THREADS", threads)
        limit_blas_threads.cache_clear()
        return limit_blas_threads()

    yield ask
    ask("1")


def test_one_thread_unless_more_are_asked_for(asked):
    assert asked("1") == 1
    assert blas_threads() == {1}
    assert asked("2") == 2
    assert blas_threads() == {2}


@pytest.mark.parametrize("threads", ["0", "-1", "two", ""])
def test_what_is_not_a_number_of_threads(asked, threads):
    with pytest.raises(ConfigError, match=r"STREAM_RNN_THREADS = .*such as 2"):
        asked(threads)
