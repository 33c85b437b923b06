"""The uncompressed bytes of one file, and marks by which the same file is found again."""

import codecs
import gzip
import hashlib
import os
import stat
import zlib
from typing import IO, Any, NamedTuple

import zstandard

from ..base import Lost, SourceError
from .json_values import JsonValues, is_json, is_whole

HEAD_BYTES = 4096
LONGEST_WINDOW = 1 << 31  # of zstandard: what --long=31 needs, in bytes of memory
ZSTD_STEP = 1 << 10  # compressed bytes decompressed at once, into 32 MiB at most
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class Identity(NamedTuple):
    """Device and inode: the same file under any name, until it is deleted."""

    device: int
    inode: int


class ByteFile:
    """One open file, decompressed if it is gzip or zstandard (told by its first bytes).

    Of a *whole* file, one that does not grow, UTF-16 becomes UTF-8 and one JSON array lines.

    >>> import tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "a.jsonl.gz")
    >>> with gzip.open(path, "wb") as file:
    ...     _ = file.write(b'{"x": 1}')
    >>> with ByteFile(path) as file:
    ...     file.read(5), file.offset, file.compressed
    (b'{"x":', 5, True)
    """

    def __init__(self, path: str, whole: bool = False):
        self.path = path
        self._whole = whole
        self.offset = 0  # uncompressed bytes read so far
        self._head = b""
        try:
            self._raw = open(path, "rb", buffering=0, opener=_at_once)  # noqa: SIM115 - by close()
            status = os.fstat(self._raw.fileno())
            if not stat.S_ISREG(status.st_mode):
                self._raw.close()
                raise SourceError(
                    f"{path} is a pipe or a device, not a file; read it as standard input: "
                    f'source = {{type = "stdin"}}, and < {path} behind the command'
                )
            first = os.pread(self._raw.fileno(), HEAD_BYTES, 0)
        except OSError as error:
            raise SourceError(f"cannot read {path}: {error.strerror}") from error
        self.identity = Identity(status.st_dev, status.st_ino)
        self._stream: IO[bytes] | Any = self._raw
        self.compressed = True
        if first.startswith(_GZIP):
            self._stream = _GzipStream(fileobj=self._raw)
        elif first.startswith(_ZSTD):
            self._stream = _ZstdStream(self._raw)
        else:
            self.compressed = False
        if whole:
            self._transform(first)
        self._first = b"" if self.compressed else first  # as it was when it was opened

    def _transform(self, first: bytes) -> None:
        """Read UTF-16 as UTF-8, and one JSON array as lines; only of files that do not grow."""
        if first[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            self._stream, self.compressed = Utf16Stream(self._raw), True
        if not is_json(self.path):
            return
        head = first
        if self.compressed:
            try:
                with ByteFile(self.path) as other:
                    head = other.read(HEAD_BYTES)
            except SourceError:
                return  # it will be told when it is read
        if is_whole(head):
            self._stream, self.compressed = JsonValues(self._stream), True

    @property
    def raw_offset(self) -> int:
        """Bytes of the file itself, compressed or not, read so far."""
        return 0 if self._raw.closed else self._raw.tell()

    def read(self, size: int) -> bytes:
        """Up to *size* bytes; empty at the end of what is there now."""
        try:
            data = self._stream.read(size)
        except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
            raise SourceError(
                f"{self.path} is damaged or cut off after {self.offset} uncompressed bytes: "
                f"{error}; replace the file"
            ) from error
        if len(self._head) == self.offset < HEAD_BYTES:
            self._head += data[: HEAD_BYTES - self.offset]
        self.offset += len(data)
        return data

    def unread(self, data: bytes) -> None:
        """The *data* just read did not belong to the file that was opened: forget it."""
        self.offset -= len(data)
        self._head = self._head[: self.offset]

    def head(self, size: int = HEAD_BYTES) -> bytes:
        """The first bytes, at most *size*, as far as they are known."""
        if not self.compressed:
            return os.pread(self._raw.fileno(), size, 0)
        if self.offset == 0 and not self._head:
            with ByteFile(self.path, self._whole) as other:
                while len(other._head) < size and other.read(HEAD_BYTES):
                    pass
                self._head = other._head
        return self._head[:size]

    def head_read(self) -> bytes:
        """The first bytes as they were when they were read; before, when it was opened."""
        return self._head or self._first

    def head_opened(self) -> bytes:
        """The first bytes as they were when the file was opened; none if it is compressed."""
        return self._first

    def written(self) -> int:
        """Time of the last write, nanoseconds."""
        return 0 if self._raw.closed else os.fstat(self._raw.fileno()).st_mtime_ns

    def size(self) -> int:
        """Bytes in the file now (of the compressed form, where it is compressed)."""
        return os.fstat(self._raw.fileno()).st_size

    def skip_to(self, offset: int) -> None:
        """Go forward to *offset*; raises `SourceError` if the file is shorter."""
        if not self.compressed:
            if self.size() >= offset:
                self._head = self.head(min(offset, HEAD_BYTES))
                self.offset = self._raw.seek(offset)
        else:
            while self.offset < offset and self.read(min(1 << 20, offset - self.offset)):
                pass
        if self.offset != offset:
            raise Lost(
                f"{self.path} ends before byte {offset}, where reading stopped last time: "
                "it was cut or replaced; restore the file, or remove the checkpoint "
                "to start from its beginning"
            )

    def close(self) -> None:
        self._stream.close()
        self._raw.close()

    def __enter__(self) -> "ByteFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _at_once(path: str, flags: int) -> int:
    """Opens without waiting, as for the writer of a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


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


class Utf16Stream:
    """UTF-16 with a byte order mark as UTF-8."""

    def __init__(self, stream: IO[bytes] | Any):
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-16")("replace").decode

    def read(self, size: int) -> bytes:
        """Some bytes, empty at the end."""
        while True:
            data = self._stream.read(max(2, size // 2))
            text = self._decode(data, final=not data)
            if text or not data:
                return text.encode("utf-8", "replace")

    def close(self) -> None:
        self._stream.close()


class Mark(NamedTuple):
    """Where reading stopped in which file; JSON-able as a dict by ``_asdict()``."""

    path: str
    device: int
    inode: int
    head_bytes: int  # how many of the first bytes
    head_hash: str  # ... have this hash
    offset: int  # of the uncompressed bytes
    records: int  # handed out from this file
    header: list[str] | None  # columns, of CSV
    dialect: list[Any] | None = None  # the fields of its `Dialect`
    older: list[list] | None = None  # of a followed file: those before it, see `siblings.Known`

    def is_head_of(self, file: ByteFile) -> bool:
        """Whether *file* begins with the bytes that were there when the mark was made."""
        head = file.head(self.head_bytes)
        return len(head) == self.head_bytes and digest(head) == self.head_hash


def digest(head: bytes) -> str:
    """A short hash, to recognise a file by its first bytes."""
    return hashlib.sha256(head).hexdigest()[:16]
