"""Lossless compression by prediction: the size is the predictor's cost in bits.

The file: magic, settings of the predictor, length and CRC-32 of the content, then the
arithmetic code.  Coder and decoder must compute bit-identical predictions: same version of
this package, Numba and LLVM, and a processor with the same vector instructions.  The
header says under which the file was made; a difference is found by the CRC.

>>> data = b"to be, or not to be: that is the question. " * 40
>>> code, bits = compress(data, preset="fast")
>>> len(code) < len(data) // 3, decompress(code) == data
(True, True)
"""

import platform
import struct
import zlib
from importlib.metadata import version
from typing import NamedTuple

import llvmlite.binding as llvm
import numpy as np

from ..model import TextModel
from ..presets import PRESETS, named
from .coder import BYTES_PER_SYMBOL, CODE, code_chunk, full_interval, last_bytes

MAGIC = b"SRT1"
HEADER = struct.Struct("<BHIQII")  # preset, units (0: its own), seed, length, CRC, machine
CHUNK = 1 << 14


class CodecError(ValueError):
    """Data that cannot be decompressed, or settings that cannot be written down."""


class Header(NamedTuple):
    """What the decoder must know."""

    preset: str
    units: int | None
    seed: int
    length: int
    crc: int
    machine: int


def compress(
    data: bytes, preset: str = "default", units: int | None = None, seed: int = 0
) -> tuple[bytes, float]:
    """The compressed data, and the predictor's cost in bits; raises `ConfigError`."""
    model = _model(preset, units, seed)
    codes = np.frombuffer(data, np.uint8).astype(np.int32)
    interval, place = full_interval(), np.zeros(1, np.int64)
    costs, trees = np.empty(len(codes)), np.zeros((2, 512))
    parts, done = [_write_header(preset, units, seed, data)], 0
    out = np.empty(CHUNK * BYTES_PER_SYMBOL, np.uint8)
    while done < len(codes):
        chunk = codes[done : done + CHUNK]
        model.prepare_room(256)
        place[0] = 0
        n = code_chunk(
            model.bound, False, chunk, interval, *trees, out, place, costs[done:]
        )  # fmt: skip
        done += n
        parts.append(out[: place[0]].tobytes())
    if len(codes):
        parts.append(last_bytes(interval))
    return b"".join(parts), float(costs.sum())


def decompress(code: bytes) -> bytes:
    """The data that `compress` was given; raises `CodecError` if it cannot be had back."""
    header, start = read_header(code)
    model = _model(header.preset, header.units, header.seed)
    source = np.frombuffer(code, np.uint8)[start:].copy()
    interval, place = full_interval(), np.array([8], np.int64)
    interval[CODE] = int.from_bytes(source[:8].tobytes().ljust(8, b"\0"), "big")
    trees, costs, parts, done = np.zeros((2, 512)), np.empty(CHUNK), [], 0
    while done < header.length:
        codes = np.zeros(min(CHUNK, header.length - done), np.int32)
        model.prepare_room(256)
        n = code_chunk(model.bound, True, codes, interval, *trees, source, place, costs)
        done += n
        parts.append(codes[:n].astype(np.uint8).tobytes())
        if place[0] > len(source) + 8:
            break  # it ran dry: truncated or not decodable here
    data = b"".join(parts)
    if len(data) != header.length or zlib.crc32(data) != header.crc:
        why = (
            "it was made by another version or on another kind of processor: decompress it there"
            if header.machine != machine()
            else "it is damaged"
        )
        raise CodecError(f"the content does not match its checksum: {why}")
    return data


def read_header(code: bytes) -> tuple[Header, int]:
    """The header, and where the code starts; raises `CodecError`."""
    end = len(MAGIC) + HEADER.size
    if code[: len(MAGIC)] != MAGIC or len(code) < end:
        raise CodecError("not a file that this program compressed")
    preset, units, seed, *rest = HEADER.unpack(code[len(MAGIC) : end])
    if preset >= len(PRESETS):
        raise CodecError(f"preset number {preset} is unknown: upgrade stream-rnn")
    return Header(list(PRESETS)[preset], units or None, seed, *rest), end


def _write_header(preset: str, units: int | None, seed: int, data: bytes) -> bytes:
    place = list(PRESETS).index(preset)
    crc = zlib.crc32(data)
    return MAGIC + HEADER.pack(place, units or 0, seed, len(data), crc, machine())


def machine() -> int:
    """32 bits that stand for everything the arithmetic depends on."""
    parts = [platform.machine(), llvm.get_host_cpu_name(), *map(version, ("numba", "llvmlite"))]
    parts += sorted(k for k, v in llvm.get_host_cpu_features().items() if v)
    return zlib.crc32(" ".join(parts).encode())


def _model(preset: str, units: int | None, seed: int) -> TextModel:
    if preset not in PRESETS:
        raise CodecError(f"preset: {preset!r}; choose one of {', '.join(PRESETS)}")
    if not 0 <= seed < 1 << 32 or not 0 <= (units or 0) < 1 << 16:
        raise CodecError(f"seed: {seed}, units: {units}; too large to be written to the header")
    return TextModel(named(preset, units), 256, 256, 256, seed)
