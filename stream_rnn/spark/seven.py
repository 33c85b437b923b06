"""Bytes as text of 7-bit characters, for what carries text quickly and bytes slowly.

Spark's pickler writes bytes to Python one character at a time, then as UTF-8: for 41 kB that
costs four times what all else does by which a state is read.  Text it copies whole.

Of n bytes, padded with zeros to 7 m, the text has the lower 7 bits of each, then m characters with
the highest bits, bit k of the i-th from byte k m + i, then one with the number of zeros padded.
"""

import numpy as np

BITS = 7
LOW, HIGH = np.uint8(0x7F), np.uint8(0x80)
SHIFTS = np.arange(BITS, 0, -1, dtype=np.uint8)[:, None]  # of row k from the highest bit to bit k


def to_text(data: bytes) -> str:
    """*data* in ASCII, a seventh longer.

    >>> len(to_text(b"ab")), from_text(to_text(b"ab"))
    (9, b'ab')
    """
    m = -(-len(data) // BITS)
    out = np.zeros((BITS + 1) * m + 1, np.uint8)
    out[: len(data)] = np.frombuffer(data, np.uint8)
    rows, high = out[: BITS * m].reshape(BITS, m), out[BITS * m : -1]
    np.bitwise_or.reduce((rows & HIGH) >> SHIFTS, axis=0, out=high)
    rows &= LOW
    out[-1] = BITS * m - len(data)
    return str(out.data, "ascii")


def from_text(text: str) -> bytes:
    """What `to_text` was given.

    Raises `ValueError` for text that it did not make.
    """
    found = np.frombuffer(bytearray(text, "ascii"), np.uint8)
    m, rest = divmod(len(found) - 1, BITS + 1)
    if rest or m < 0 or found[-1] >= BITS:
        raise ValueError(f"{len(found)} characters are no packed bytes")
    rows, high = found[: BITS * m].reshape(BITS, m), found[BITS * m : -1]
    rows |= (high << SHIFTS) & HIGH
    return rows.reshape(-1)[: BITS * m - int(found[-1])].tobytes()
