"""Files as their content: decompressed, in UTF-8, with usual line ends."""

import bz2
import codecs
import gzip
import lzma
import zipfile
import zlib
from typing import IO, Any

import zstandard

from ..base import SourceError

LONGEST_WINDOW = 1 << 31  # of zstandard: what --long=31 needs, in bytes of memory
ZSTD_STEP = 1 << 10  # compressed bytes decompressed at once, into 32 MiB at most

#: What is raised for a file that is damaged or cut off.
DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, zstandard.ZstdError)


def decompressed(raw: IO[bytes], first: bytes, path: str) -> Any:
    """A stream of the content of a file that begins with *first*; None if it is not compressed.

    Raises `SourceError` for an archive that holds other than one file.
    """
    if first.startswith(b"\x1f\x8b"):
        return _GzipStream(fileobj=raw)
    if first.startswith(b"\x28\xb5\x2f\xfd"):
        return _ZstdStream(raw)
    if first.startswith(b"BZh"):
        return _AtOnce(bz2.BZ2File(raw))
    if first.startswith(b"\xfd7zXZ\x00"):
        return _AtOnce(lzma.LZMAFile(raw))
    if first.startswith(b"PK\x03\x04"):
        return _AtOnce(_only_member(raw, path))
    return None


def inner_name(path: str) -> str:
    """The name that tells the format: of the one file within an archive, or *path* itself."""
    if not path.lower().endswith(".zip"):
        return path
    try:
        with zipfile.ZipFile(path) as archive:
            names = [one.filename for one in archive.infolist() if not one.is_dir()]
    except DAMAGED:
        return path  # it will be told when it is read
    return names[0] if len(names) == 1 else path


def _only_member(raw: IO[bytes], path: str) -> Any:
    """The one file that an archive holds."""
    try:
        archive = zipfile.ZipFile(raw)
        members = [one for one in archive.infolist() if not one.is_dir()]
        if len(members) == 1:
            return archive.open(members[0])
    except (*DAMAGED, NotImplementedError, RuntimeError) as error:
        raise SourceError(f"{path} cannot be opened as an archive: {error}; unpack it") from None
    names = ", ".join([one.filename for one in members[:5]])
    raise SourceError(f"{path} holds {len(members)} files ({names}, …); unpack the one to be read")


class _AtOnce:
    """Hands out what one step of decompression gives: more steps might meet a cut."""

    def __init__(self, stream: Any):
        self._stream = stream

    def read(self, size: int) -> bytes:
        """Up to *size* bytes, empty at the end."""
        data: bytes = self._stream.read1(size)
        return data

    def close(self) -> None:
        self._stream.close()


class _GzipStream(gzip.GzipFile):
    """Hands out what lies before a cut, then raises."""

    def read(self, size: int | None = -1) -> bytes:
        """Up to *size* bytes, what one step gives: more steps might meet the cut."""
        return self.read1(size if size is not None else -1)


class _ZstdStream:
    """The content of zstandard frames; unlike the library's reader it notices a cut file."""

    def __init__(self, raw: IO[bytes]):
        self._raw = raw
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=LONGEST_WINDOW)
        self._frame: Any = None  # the frame being read
        self._input, self._fed = b"", 0  # compressed bytes, and how many of them were fed
        self._ready, self._taken = b"", 0  # their content, and how much of it was handed out

    def read(self, size: int) -> bytes:
        """Up to *size* bytes, empty at the end; raises EOFError within a frame."""
        while self._taken == len(self._ready):
            if self._fed == len(self._input):
                self._input, self._fed = self._raw.read(1 << 17), 0
            if not self._input:
                if self._frame is not None:
                    raise EOFError("the last zstandard frame is not complete")
                return b""
            self._ready, self._taken = self._decompress(), 0
        data = self._ready[self._taken : self._taken + size]
        self._taken += len(data)
        return data

    def _decompress(self) -> bytes:
        """The content of a few more bytes: four of them may stand for 128 KiB."""
        data = self._input[self._fed : self._fed + ZSTD_STEP]
        if self._frame is None:
            self._frame = self._decompressor.decompressobj()
        content: bytes = self._frame.decompress(data)
        self._fed += len(data)
        if self._frame.eof:  # what was fed too much begins the next frame
            self._fed -= len(self._frame.unused_data)
            self._frame = None
        return content

    def close(self) -> None:
        self._raw.close()


class MacStream:
    r"""Lines that end with ``\r`` alone, as lines."""

    def __init__(self, stream: IO[bytes] | Any):
        self._stream = stream

    def read(self, size: int) -> bytes:
        """Up to *size* bytes, empty at the end."""
        data: bytes = self._stream.read(size)
        return data.replace(b"\r", b"\n")

    def close(self) -> None:
        self._stream.close()


def wide_encoding(head: bytes) -> str | None:
    """UTF-16 or UTF-32, with or without a byte order mark; None for what has a byte a letter.

    >>> wide_encoding("load".encode("utf-16-le")), wide_encoding(b"load")
    ('utf-16-le', None)
    """
    if head[:4] in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):
        return "utf-32"
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) <= 0.4 * len(head) or min(even, odd):
        return None
    return "utf-16-be" if even else "utf-16-le"


class WideStream:
    """UTF-16 or UTF-32 as UTF-8."""

    def __init__(self, stream: IO[bytes] | Any, encoding: str):
        self._stream = stream
        self._decode = codecs.getincrementaldecoder(encoding)("replace").decode

    def read(self, size: int) -> bytes:
        """Some bytes, empty at the end."""
        while True:
            data = self._stream.read(max(2, size // 2))
            text = self._decode(data, final=not data)
            if text or not data:
                return text.encode("utf-8", "replace")

    def close(self) -> None:
        self._stream.close()
