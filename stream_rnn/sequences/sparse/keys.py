"""From text to keys: 64-bit hashes that are the same in every process."""

from hashlib import blake2b

import numpy as np

from ...codegen.dispatch import kernel

ONE, TWO = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
LOW, HALF = np.uint64(29), np.uint64(32)


def key_of(*parts: str) -> int:
    """The key of a tuple of texts; never 0, which stands for no feature.

    >>> key_of("word", "rain") == key_of("word", "rain") != key_of("shape", "rain")
    True
    """
    # "\\x1f" cannot make two tuples alike: every part is preceded by its length
    data = "".join(f"{len(part)}\x1f{part}" for part in parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little") or 1


@kernel
def joined(a, b):
    """The key of two keys in this order: multiply, fold, multiply, fold (as SplitMix64 does)."""
    x = (a ^ (a >> HALF)) * ONE + b
    x = (x ^ (x >> LOW)) * TWO
    x ^= x >> HALF
    return x if x != 0 else ONE
