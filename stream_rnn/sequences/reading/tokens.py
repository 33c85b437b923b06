"""A text as tokens: words, numbers, and what stands between them."""

import re

import numpy as np

from ..sparse.keys import key_of
from ..sparse.shapes import shape

#: Words and numbers with what joins them inside, or one other character that is no space.
TOKEN = re.compile(r"\w+(?:['’.\-]\w+)*|[^\w\s]")
MOST_KEPT = 1 << 16  # tokens whose keys are kept
SHORT = 24  # characters; of a longer token no more are read


class Tokens:
    """Splits texts; of each token the key of its lower case and that of its shape."""

    def __init__(self) -> None:
        self._keys: dict[str, tuple[int, int]] = {}

    def __call__(self, text: str) -> tuple[list[str], np.ndarray]:
        """The tokens, and their keys (T, 2)."""
        found = TOKEN.findall(text)
        known = self._keys
        if len(known) + len(found) > MOST_KEPT:
            known.clear()
        rows = []
        for token in found:
            row = known.get(token)
            if row is None:
                row = known[token] = (key_of(token.lower()), key_of("shape", shape(token[:SHORT])))
            rows.append(row)
        return found, np.array(rows, np.uint64).reshape(-1, 2)


def characters(text: str) -> np.ndarray:
    """Lower-case code points, white space as one space."""
    flat = " ".join(text.lower().split())
    return np.frombuffer(f" {flat} ".encode("utf-32-le", "surrogatepass"), np.uint32)
