"""Rows into files: what is common to JSON Lines and CSV.

The position of a file sink is its length in bytes, and how it ends there.  Restoring cuts the file
there, so a replay writes the same rows to the same place.  A file that was moved away in between,
as log rotation does it, is recognised by its end; its rows go on in a new one.
"""

import contextlib
import fcntl
import logging
import os
import stat
from typing import Any

from ..base import Shortened, SinkError
from .ends import end_of, moved

log = logging.getLogger(__name__)


class AppendFile:
    """A file that only grows, except that `restore` cuts it; one writer at a time.

    Opened on first use and created if missing, with its folder; existing content is kept.
    A failed write leaves no torn row behind where the file can be cut back.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = os.fspath(path)
        self._fd: int | None = None
        self._length = self._synced = 0

    def length(self) -> int:
        """Bytes in the file."""
        self._open()
        return self._length

    def end(self) -> str:
        """How it ends, see `end_of`."""
        return end_of(self._open(), self._length)

    def append(self, data: bytes) -> None:
        """Write all of *data* at the end."""
        fd = self._open()
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(fd, rest) :]
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(fd, self._length)
            raise self._failed("written", error) from error
        self._length += len(data)

    def first_line(self) -> bytes:
        """The first line, without its newline."""
        self._open()
        with open(self.path, "rb") as file:
            return file.readline().rstrip(b"\r\n")

    def sync(self) -> None:
        """Return when all that was written is on the disk."""
        if self._fd is None:
            return
        try:
            os.fsync(self._fd)
        except OSError as error:
            raise self._failed("synced", error) from error

    def is_cut(self) -> bool:
        """Whether another program has cut it since the last look: its copy was taken away."""
        if self._fd is None or (size := os.fstat(self._fd).st_size) >= self._length:
            return False
        log.warning(
            "%s was cut from %d bytes to %d by another program; the next results follow there",
            *(self.path, self._length, size),
        )
        self._length = self._synced = size
        return True

    def is_gone(self) -> bool:
        """Whether it was moved away or removed since the last look, and another one begins.

        To be asked when all is on the disk, and a new position is about to be taken.
        """
        if self._fd is None:
            return False
        here = os.fstat(self._fd)
        try:
            if os.path.samestat(os.stat(self.path), here):
                self._synced = self._length
                return False
        except FileNotFoundError:
            pass
        except OSError:  # the folder cannot be looked at
            return False
        lost = self._length - self._synced
        if here.st_nlink:
            log.info("%s was moved away: results go on in a new file", self.path)
        else:
            log.warning(
                "%s was removed, and with it %d bytes of results since the last checkpoint; "
                "results go on in a new file",
                *(self.path, lost),
            )
        self.close()
        return True

    def cut(self, length: int, end: str | None) -> None:
        """Forget what comes after the first *length* bytes, which *end* so.

        Where they are in another file now, that is cut and the next rows begin a new file.
        Raises `Shortened` where they are gone.
        """
        fd = self._open()
        if self._length >= length and (end is None or end_of(fd, length) == end):
            self._truncate(fd, length)
            return
        if self._length == 0 and end is not None and (other := moved(self.path, length, end)):
            log.info("%s is %s now: results go on in a new file", self.path, other)
            old = AppendFile(other)
            old.cut(length, end)
            old.close()
            return
        problem = f"has {self._length} bytes, fewer than the {length} written up to the checkpoint"
        if self._length >= length:
            problem = f"has other content in the {length} bytes written up to the checkpoint"
        raise Shortened(f"{self.path} {problem}: it was cut or replaced; restore the file")

    def _truncate(self, fd: int, length: int) -> None:
        try:
            os.ftruncate(fd, length)
            os.fsync(fd)
        except OSError as error:
            raise self._failed("cut", error) from error
        self._length = self._synced = length

    def close(self) -> None:
        """Release the file for other writers."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _open(self) -> int:
        if self._fd is not None:
            return self._fd
        self._check_kind()
        try:
            os.makedirs(os.path.dirname(self.path) or ".", exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            fd = os.open(self.path, flags, 0o644)
        except OSError as error:
            raise self._failed("opened", error) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(fd)
            raise SinkError(
                f"{self.path} is being written by another process; stop it or choose another path"
            ) from error
        self._fd = fd
        self._length = self._synced = os.fstat(fd).st_size
        return fd

    def _check_kind(self) -> None:
        """Refuse what cannot be cut back after a crash."""
        try:
            mode = os.stat(self.path).st_mode
        except OSError:
            return
        if stat.S_ISDIR(mode):
            raise SinkError(f"{self.path} is a folder; name a file in it")
        if not stat.S_ISREG(mode):
            raise SinkError(
                f"{self.path} is a pipe or a device, not a file; write to standard output: "
                f'sink = {{type = "stdout"}}, and > {self.path} behind the command'
            )

    def _failed(self, what: str, error: OSError) -> SinkError:
        return SinkError(f"{self.path} cannot be {what}: {error.strerror}")


class FileSink:
    """A sink on an `AppendFile`; subclasses say how rows become bytes."""

    def __init__(self, path: str | os.PathLike[str]):
        self.path = os.fspath(path)
        self._file = AppendFile(path)

    def encode(self, rows: list[dict[str, Any]]) -> bytes:
        """The bytes of *rows*."""
        raise NotImplementedError

    def begin(self) -> None:
        """Know nothing of the file: it may be another one, or empty."""

    def write(self, rows: list[dict[str, Any]]) -> None:
        """Append *rows*: all of them, or `SinkError` and none."""
        if rows:
            if self._file.is_cut():
                self.begin()
            self._file.append(self.encode(rows))

    def flush(self) -> None:
        """Return when every row written is on the disk.

        What was moved away meanwhile is complete now; the next rows go into a new file.
        """
        self._file.sync()
        if self._file.is_cut() or self._file.is_gone():
            self.begin()

    def snapshot(self) -> dict[str, Any]:
        """``{"bytes": length of the file, "end": a hash of its last bytes}``."""
        return {"bytes": self._file.length(), "end": self._file.end()}

    def restore(self, position: dict[str, Any] | None) -> None:
        """Cut the file to *position* (None: empty it); raises `Shortened`."""
        self.begin()
        position = position or {"bytes": 0}
        self._file.cut(position["bytes"], position.get("end"))

    def close(self) -> None:
        """Close the file; what was written stays written."""
        self._file.close()
