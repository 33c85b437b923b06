"""The state of an estimator as bytes, quickly: for what keeps many states and few estimators.

`dumps` writes settings and state, for a file; a `Packer` knows the settings and writes the state,
for a stream engine's state store, a cache, another process.  What it writes:

    4 bytes  b"sRNN"
    1        format, 1 so far
    1        whether the body is compressed (zstd)
    10       version of stream-rnn that wrote it, in ASCII, padded with zeros
    16       digest of the settings: the first half of a SHA-256
    4        CRC-32C of all that stands before it and after it, little endian
    …        body, msgpack
"""

import hashlib
import struct
from collections.abc import Mapping
from typing import Any

import crc32c
import msgspec
import numpy as np
import zstandard

from ..errors import CheckpointError
from .base import RecurrentEstimator
from .described import described
from .protocol import Snapshot, newborn
from .stock import Stock

MAGIC, FORMAT = b"sRNN", 1
HEADER, CHECKSUM = struct.Struct("<4sBB10s16s"), struct.Struct("<I")
BEGIN = HEADER.size + CHECKSUM.size
LOW = 6  # bytes of a word that hold digits of a float64
LARGE = 1 << 16  # bytes of a body from which compressing costs less than moving
REMEDY = "use the settings it was packed with, or start anew"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


class Packer:
    """Packs and unpacks states of estimators that have the settings of *template*.

    An estimator that is released is used again by the next `load`: to copy a state into arrays
    that are there takes microseconds, to make them milliseconds.  Where zeros are, or what every
    new estimator holds, nothing is written; large states are compressed.  Nothing is lost:
    the estimator that is loaded goes on bit for bit.

    >>> from stream_rnn import LSTM, RecurrentRegressor
    >>> packer = Packer(RecurrentRegressor(LSTM(4), seed=1))
    >>> states = {}
    >>> for t in range(100):
    ...     key = t % 2  # two streams, one estimator
    ...     model = packer.load(states[key]) if key in states else packer.new()
    ...     model.learn_one({"x": t % 3}, float(key))
    ...     states[key] = packer.dump(model)
    ...     packer.release(model)
    >>> [round(packer.load(states[key]).predict_one({"x": 1})) for key in (0, 1)]
    [0, 1]
    """

    def __init__(self, template: Any):
        self._stock = Stock(template)
        self._template = template
        self._words = isinstance(template, RecurrentEstimator)  # its state is one vector
        self._digest = digest(template)
        self._bases: dict[int, dict[str, np.ndarray]] = {}  # arrays of newborns, by features

    def new(self) -> Any:
        """An estimator that has learned nothing."""
        return self._stock.new()

    def release(self, estimator: Any) -> None:
        """Take back an estimator that `new` or `load` gave, to use it again."""
        self._stock.release(estimator)

    def dump(self, estimator: Any) -> bytes:
        """The state of *estimator*, which must have the settings of the template."""
        if self._words:
            body = _encode(estimator._pack())
        else:
            arrays, meta = estimator.snapshot()
            body = _encode([meta, *thinned(arrays, self._base(meta))])
        large = len(body) >= LARGE
        if large:
            body = zstandard.ZstdCompressor(level=3).compress(body)
        head = HEADER.pack(MAGIC, FORMAT, large, _version(), self._digest)
        return b"".join((head, CHECKSUM.pack(_checksum(head, body)), body))

    def load(self, data: bytes) -> Any:
        """The estimator whose state is in *data*.

        Raises `CheckpointError` if that is damaged, of another model, or of a newer program.
        """
        body = self._body(data)
        model = self._stock.take()
        try:
            values = _decode(body)
            if self._words:
                model._unpack(values)
            else:
                meta, table, bits, left = values
                arrays = restored(table, bits, left, self._base(meta))
                model.restore(Snapshot(arrays, meta))
        except (msgspec.DecodeError, ValueError, TypeError, LookupError) as error:
            raise CheckpointError(
                f"the packed state does not fit this version of the model ({error}); {REMEDY}"
            ) from None
        return model

    def _body(self, data: bytes) -> bytes:
        """What stands behind the header, which is checked."""
        data = bytes(data)
        if len(data) < BEGIN or data[:4] != MAGIC:
            raise CheckpointError(f"the packed state is none: it begins with {data[:4]!r}")
        _, form, large, version, made_with = HEADER.unpack_from(data)
        if form > FORMAT:
            raise CheckpointError(
                f"the packed state has format {form}, of stream-rnn {_text(version)}, newer than "
                f"this program's {FORMAT}: upgrade stream-rnn, or start anew"
            )
        head, body = data[: HEADER.size], memoryview(data)[BEGIN:]
        if CHECKSUM.unpack_from(data, HEADER.size)[0] != _checksum(head, body):
            raise CheckpointError(
                "the packed state is damaged: its content does not match its checksum; take an "
                "older one, or start anew"
            )
        if made_with != self._digest:
            raise CheckpointError(
                f"the packed state is of another model than {settings(self._template)}; {REMEDY}"
            )
        return zstandard.ZstdDecompressor().decompress(body) if large else bytes(body)

    def _base(self, meta: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """The arrays of an estimator that has seen nothing but the names of its features."""
        features = len(meta.get("features", ()))
        if features not in self._bases:
            self._bases[features] = newborn(self._template, features)
        return self._bases[features]


def settings(estimator: Any) -> str:
    """Class and parameters in words."""
    pairs = ", ".join(f"{name}={value}" for name, value in described(estimator).items())
    return f"{type(estimator).__name__}({pairs})"


def digest(estimator: Any) -> bytes:
    """16 bytes that two estimators share if their classes and parameters are the same."""
    return hashlib.sha256(settings(estimator).encode()).digest()[:16]


def thinned(
    arrays: Mapping[str, np.ndarray], base: Mapping[str, np.ndarray]
) -> tuple[list[list], bytes, bytes]:
    """Arrays without the 8-byte words that are 0, or what they are in *base*.

    Gives [name, dtype, shape] of each, a bit for each word, and the words that are left: the
    bits in which they differ from the base's.  Of these the upper two bytes lie together, behind
    the lower six of all: the exponents of floats compress, their digits seldom.

    >>> table, bits, left = thinned({"a": np.array([1.0, 0, 2])}, {"a": np.array([1.0, 0, 0])})
    >>> table, bits, np.frombuffer(left)
    ([['a', '<f8', [3]]], b' ', array([2.]))
    """
    table = [[name, a.dtype.str, list(a.shape)] for name, a in arrays.items()]
    words = _laid(arrays) ^ _laid(_fitting(table, base))
    left = words != 0
    return table, np.packbits(left).tobytes(), _split(words[left])


def restored(
    table: list[list], bits: bytes, left: bytes, base: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The arrays that were `thinned`, each with memory of its own."""
    words = _laid(_fitting(table, base))
    mask = np.unpackbits(np.frombuffer(bits, np.uint8), count=len(words)).view(bool)
    words[mask] ^= _joined(left)
    arrays, at = {}, 0
    for name, dtype, shape in table:
        count = int(np.prod(shape))
        size = -(-count * np.dtype(dtype).itemsize // 8)
        arrays[name] = words[at : at + size].view(dtype)[:count].reshape(shape)
        at += size
    return arrays


def _fitting(table: list[list], base: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of *base* that a table names; zeros where it has none of that form."""
    found = {}
    for name, dtype, shape in table:
        array = base.get(name)
        if array is None or array.dtype.str != dtype or list(array.shape) != shape:
            array = np.zeros(shape, dtype)
        found[name] = array
    return found


def _split(words: np.ndarray) -> bytes:
    """The lower bytes of all words, then the sixth of all, then the seventh."""
    rows = words.view(np.uint8).reshape(-1, 8)
    return b"".join((rows[:, :LOW].tobytes(), *(rows[:, n].tobytes() for n in range(LOW, 8))))


def _joined(data: bytes) -> np.ndarray:
    """The words that were `_split`."""
    count = len(data) // 8
    rows, planes = np.empty((count, 8), np.uint8), np.frombuffer(data, np.uint8)
    rows[:, :LOW] = planes[: LOW * count].reshape(count, LOW)
    rows[:, LOW:] = planes[LOW * count :].reshape(8 - LOW, count).T
    return rows.reshape(-1).view(np.uint64)


def _laid(arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """All arrays end to end, each in whole words of 8 bytes."""
    parts = []
    for array in arrays.values():
        data = array.tobytes()
        parts += [data, bytes(-len(data) % 8)]
    return np.frombuffer(bytearray().join(parts), np.uint64)


def _checksum(head: bytes, body: Any) -> int:
    return crc32c.crc32c(body, crc32c.crc32c(head))


def _version() -> bytes:
    from .. import __version__  # not before the package is there

    return __version__.encode()[:10]


def _text(version: bytes) -> str:
    return version.rstrip(b"\0").decode("ascii", "replace")
