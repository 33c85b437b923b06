"""Bytes as text of 7-bit characters, for what carries text quickly and bytes slowly.

Spark's pickler writes bytes to Python one character at a time, then as UTF-8: 41 kB cost four times
what all else does that reads a state.  Text it copies whole.

Of n bytes, padded with zeros to 7 m, the text has the lower 7 bits of each, then m characters with
the highest bits, bit k of the i-th from byte k m + i, then one with the number of zeros padded.
"""

import numpy as np

BITS = 7
LOW, HIGH, ONE = np.uint8(0x7F), np.uint8(0x80), np.uint8(1)
SHIFTS = [np.uint8(BITS - k) for k in range(BITS)]  # from the highest bit to bit k


def to_text(data: bytes) -> str:
    """*data* in ASCII, an eighth longer.

    >>> len(to_text(bytes([1, 255]))), from_text(to_text(bytes([1, 255])))
    (9, b'\\x01\\xff')
    """
    m = -(-len(data) // BITS)
    padded = BITS * m - len(data)
    out = np.zeros((BITS + 1) * m + 1, np.uint8)
    rows, high = out[: BITS * m], out[BITS * m : -1]
    rows[: len(data)] = np.frombuffer(data, np.uint8)
    for k, shift in enumerate(SHIFTS):
        high |= (rows[k * m : (k + 1) * m] & HIGH) >> shift
    rows &= LOW
    out[-1] = padded
    return out.tobytes().decode("ascii")


def from_text(text: str) -> bytes:
    """What `to_text` was given.

    Raises `ValueError` for text that it did not make.
    """
    found = np.frombuffer(bytearray(text, "ascii"), np.uint8)
    m, rest = divmod(len(found) - 1, BITS + 1)
    if rest or m < 0 or found[-1] >= BITS:
        raise ValueError(f"{len(found)} characters are no packed bytes")
    rows, high = found[: BITS * m], found[BITS * m : -1]
    for k, shift in enumerate(SHIFTS):
        rows[k * m : (k + 1) * m] |= (high << shift) & HIGH
    return rows[: BITS * m - int(found[-1])].tobytes()
