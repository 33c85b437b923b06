"""Units of text: what a symbol is, and its number (code)."""

from typing import Any

import numpy as np

from ..errors import BadRecord, ConfigError
from .words.split import Words

UNKNOWN = "<unk>"
SCALARS = 0x110000 - 0x800  # Unicode code points without surrogates


class Bytes:
    """One byte is a symbol; text is taken as UTF-8."""

    codes = possible = most = 256

    def split(self, text: str | bytes) -> np.ndarray:
        """Codes (n,) int32 of a text; `encode` with the name that words have for it."""
        return self.encode(text)

    def encode(self, text: str | bytes) -> np.ndarray:
        """Codes (n,) int32 of a text."""
        data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        return np.frombuffer(data, np.uint8).astype(np.int32)

    def code(self, symbol: Any) -> int:
        """The code of one symbol; raises `BadRecord`."""
        if isinstance(symbol, (bytes, bytearray, str)) and len(symbol) == 1:
            symbol = ord(symbol)
        if not isinstance(symbol, (int, np.integer)) or not 0 <= symbol < 256:
            raise BadRecord(f"symbol: {symbol!r} is not a byte; give an int from 0 to 255")
        return int(symbol)

    def symbol(self, code: int) -> int:
        """The symbol of a code."""
        return int(code)

    def text(self, codes: list[int]) -> str:
        """The text of codes; bytes that are no UTF-8 show as \\ufffd."""
        return bytes(codes).decode("utf-8", "replace")


class Characters:
    """One Unicode character is a symbol."""

    codes, possible, most = 0x110000, SCALARS, 2048

    def split(self, text: str | bytes) -> np.ndarray:
        """Codes (n,) int32 of a text."""
        return self.encode(text)

    def encode(self, text: str | bytes) -> np.ndarray:
        """Codes (n,) int32 of a text."""
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        data = text.encode("utf-32-le", "surrogatepass")
        return np.frombuffer(data, np.int32).copy()

    def code(self, symbol: Any) -> int:
        """The code of one symbol; raises `BadRecord`."""
        if not isinstance(symbol, str) or len(symbol) != 1:
            raise BadRecord(f"symbol: {symbol!r} is not one character")
        return ord(symbol)

    def symbol(self, code: int) -> str:
        """The symbol of a code."""
        return chr(code)

    def text(self, codes: list[int]) -> str:
        """The text of codes."""
        return "".join(map(chr, codes))


UNITS: dict[str, type] = {"byte": Bytes, "char": Characters, "word": Words}


def unit_named(name: str, max_symbols: int | None) -> Any:
    """The unit of that name, with at most so many symbols known; raises `ConfigError`."""
    if name not in UNITS:
        raise ConfigError(f"unit: {name!r}; choose one of {', '.join(UNITS)}")
    if max_symbols is not None and not 2 <= max_symbols <= 65000:
        raise ConfigError(f"max_symbols: {max_symbols}; choose from 2 to 65000")
    if name == "word":
        return Words(max_symbols)
    unit = UNITS[name]()
    unit.most = min(max_symbols or unit.most, unit.possible)
    return unit
