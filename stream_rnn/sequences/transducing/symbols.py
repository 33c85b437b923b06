"""Numbers for symbols as they are met: the first ones are taken, the rest count from `FIRST`."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import numpy as np

from ...errors import BadRecord

END, PAD, UNKNOWN, FIRST = 0, 1, 2, 3  # PAD emits what is left when the source is at its end
NAMES = {END: "<end>", PAD: "<pad>", UNKNOWN: "<unk>"}


class Symbols:
    """Strings or integers, numbered in the order of their first occurrence, *most* at the most.

    >>> letters = Symbols(most=2)
    >>> letters.admit("aba").tolist(), letters.admit("cab").tolist()
    ([3, 4, 3], [2, 3, 4])
    """

    def __init__(self, most: int):
        self.most = most
        self.names: list[Any] = []
        self.numbers: dict[Any, int] = {}

    def __len__(self) -> int:
        return FIRST + len(self.names)

    def admit(self, symbols: Iterable[Any]) -> np.ndarray:
        """Numbers (n,) int32; new symbols get one, those for which no room is left are unknown."""
        for symbol in symbols:
            if symbol not in self.numbers and len(self.names) < self.most:
                self.numbers[symbol] = len(self)
                self.names.append(symbol)
        return self.read(symbols)

    def read(self, symbols: Iterable[Any]) -> np.ndarray:
        """Numbers (n,) int32 of symbols that are only read."""
        return np.array([self.numbers.get(symbol, UNKNOWN) for symbol in symbols], np.int32)

    def write(self, numbers: Iterable[int]) -> tuple:
        """The symbols of numbers."""
        return tuple(self.names[n - FIRST] if n >= FIRST else NAMES[n] for n in numbers)

    def packed(self) -> np.ndarray:
        """All names, as bytes of JSON."""
        return np.frombuffer(msgspec.json.encode(self.names), np.uint8).copy()

    def unpack(self, data: np.ndarray) -> None:
        """Undo `packed`."""
        self.names = msgspec.json.decode(data.tobytes())
        self.numbers = {name: FIRST + n for n, name in enumerate(self.names)}


def checked(sequence: Any, side: str, longest: int) -> Sequence[Any]:
    """A sequence of strings or integers; raises `BadRecord`."""
    if isinstance(sequence, str):
        symbols: Sequence[Any] = sequence
    elif isinstance(sequence, (list, tuple, np.ndarray)):
        symbols = [s.item() if isinstance(s, np.generic) else s for s in sequence]
    else:
        raise BadRecord(f"{side}: {sequence!r} is no sequence; give a text, a list or a tuple")
    for symbol in symbols:
        if isinstance(symbol, bool) or not isinstance(symbol, (str, int)):
            raise BadRecord(f"{side}: {symbol!r} is no symbol; give texts or integers")
    if len(symbols) > longest:
        raise BadRecord(
            f"{side}: {len(symbols)} symbols; the limit is longest = {longest}: raise it, or cut"
        )
    return symbols
