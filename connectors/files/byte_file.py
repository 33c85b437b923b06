"""The uncompressed bytes of one file, and marks by which the same file is found again."""

import hashlib
import os
import stat
from typing import IO, Any, NamedTuple

from ..base import Lost, SourceError
from .json_values import JsonValues, is_json, is_whole
from .streams import DAMAGED, MacStream, WideStream, decompressed, wide_encoding

HEAD_BYTES = 4096


class Identity(NamedTuple):
    """Device and inode: the same file under any name, until it is deleted."""

    device: int
    inode: int


class ByteFile:
    """One open file, decompressed if its first bytes say how it is compressed.

    Of a *whole* file, one that does not grow, UTF-16 and UTF-32 become UTF-8, old
    Macintosh's line ends usual ones, and one JSON array lines.

    >>> import tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "a.jsonl.gz")
    >>> import gzip
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
        try:
            opened = decompressed(self._raw, first, path)
        except SourceError:
            self._raw.close()
            raise
        self._stream, self.compressed = opened or self._raw, opened is not None
        if whole:
            self._transform(first)
        self._first = b"" if self.compressed else first  # as it was when it was opened

    def _transform(self, first: bytes) -> None:
        """Make lines of it in UTF-8; only of files that do not grow."""
        head = first
        if self.compressed:
            try:
                with ByteFile(self.path) as other:
                    head = other.read(HEAD_BYTES)
            except SourceError:
                return  # it will be told when it is read
        stream = self._stream
        if (encoding := wide_encoding(head)) is not None:
            self._stream = WideStream(self._stream, encoding)
            head = head.decode(encoding, "ignore").encode("utf-8", "replace")
        if b"\r" in head and b"\n" not in head:
            self._stream = MacStream(self._stream)
        if is_json(self.path) and is_whole(head):
            self._stream = JsonValues(self._stream)
        self.compressed = self.compressed or self._stream is not stream

    @property
    def raw_offset(self) -> int:
        """Bytes of the file itself, compressed or not, read so far."""
        return 0 if self._raw.closed else self._raw.tell()

    def read(self, size: int) -> bytes:
        """Up to *size* bytes; empty at the end of what is there now."""
        try:
            data = self._stream.read(size)
        except DAMAGED as error:
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
