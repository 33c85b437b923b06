"""Folders that hold checkpoints: a local directory, or any store that fsspec reaches.

Both write a file as one atomic unit: a reader sees all of it or nothing, also after a
crash in the middle.
"""

import contextlib
import errno
import fcntl
import os
import stat
from pathlib import Path
from typing import Any, Protocol

from connectors.secrets import without_user

from ..errors import CheckpointError, ConfigError

TEMPORARY, LOCK = ".tmp-", ".lock"


class Forbidden(CheckpointError):
    """A checkpoint, or a folder of such, that this process may not read."""

    def __init__(self, path: str):
        super().__init__(
            f"{path} may not be read by this user: give it the right, or run as who wrote it"
        )


class Folder(Protocol):
    """A place for files: a directory, or a prefix in an object store."""

    def names(self) -> list[str]: ...

    def read(self, name: str) -> bytes: ...

    def write(self, name: str, data: bytes) -> None:
        """Store *data* under *name*, atomically and durably."""

    def remove(self, name: str) -> None: ...

    def rename(self, name: str, to: str) -> None: ...

    def lock(self) -> None:
        """Claim the folder for this process; raises `CheckpointError` if it is taken."""

    def close(self) -> None: ...


def open_folder(url: str | os.PathLike) -> Folder:
    """The folder at *url*: a path, ``file://…``, or an fsspec URL such as ``s3://…``."""
    text = os.fspath(url)
    scheme, separator, rest = text.partition("://")
    if not separator:
        return LocalFolder(text)
    return LocalFolder(rest) if scheme == "file" else RemoteFolder(text)


def replace_file(path: Path, data: bytes) -> None:
    """Temporary file, fsync, rename, fsync of the directory: in that order.

    After a crash the file is the old one or the new one.
    """
    temporary = path.with_name(f"{TEMPORARY}{path.name}")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


class LocalFolder:
    """A directory; it is created, with its parents, by the first write."""

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        self._lock: int | None = None

    def names(self) -> list[str]:
        """The files in it, in order; none if it is not there."""
        if not self.path.is_dir():
            return []
        try:
            found = os.listdir(self.path)
        except PermissionError:
            raise Forbidden(str(self.path)) from None
        return sorted(n for n in found if not n.startswith("."))

    def read(self, name: str) -> bytes:
        with open(self.path / name, "rb", opener=_only_files) as file:
            return file.read()

    def write(self, name: str, data: bytes) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        if self._lock is not None and not _is_at(self._lock, self.path / LOCK):
            self.close()  # the folder has been removed: this one is another
            self.lock()
        replace_file(self.path / name, data)

    def remove(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)

    def rename(self, name: str, to: str) -> None:
        os.replace(self.path / name, self.path / to)

    def lock(self) -> None:
        """An advisory lock, which the kernel drops when the process ends, however it ends.

        The holder is the only writer, so what an earlier crash left half-written goes.
        A directory that cannot be written is not locked: nothing will be written to it.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        except (FileExistsError, NotADirectoryError):
            raise ConfigError(
                f"checkpoint.url: {str(self.path)!r} is a file, or lies in one; name a folder"
            ) from None
        except OSError:
            return
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise CheckpointError(
                f"checkpoint directory {self.path} is in use by another run: "
                "stop that one, or give this one a directory of its own"
            ) from None
        for leftover in self.path.glob(f"{TEMPORARY}*"):
            leftover.unlink(missing_ok=True)

    def close(self) -> None:
        """Give the lock back."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _is_at(fd: int, path: Path) -> bool:
    """Whether the open file *fd* is the one at *path*."""
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except OSError:
        return False


def _only_files(path: str, flags: int) -> int:
    """Opens a file, and nothing that has no end, such as a device or a pipe."""
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, "not a file", path)


class RemoteFolder:
    """An fsspec store.  Object stores make a whole object visible at once when it is closed."""

    def __init__(self, url: str):
        try:
            import fsspec
        except ImportError:
            raise ConfigError(
                f"checkpoint url {without_user(url)!r} needs the package fsspec: "
                "pip install fsspec, and the package of its scheme (for example s3fs for s3://)"
            ) from None
        self._fs: Any
        try:
            self._fs, self._root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise ConfigError(
                f"checkpoint url {without_user(url)!r} cannot be opened: {without_user(str(error))}"
            ) from None

    def names(self) -> list[str]:
        """The objects in it, in order."""
        self._fs.invalidate_cache()
        try:
            found = self._fs.ls(self._root, detail=False)
        except FileNotFoundError:
            return []
        return sorted(n for n in (p.rsplit("/", 1)[-1] for p in found) if not n.startswith("."))

    def read(self, name: str) -> bytes:
        return self._fs.cat_file(f"{self._root}/{name}")

    def write(self, name: str, data: bytes) -> None:
        self._fs.makedirs(self._root, exist_ok=True)
        self._fs.pipe_file(f"{self._root}/{name}", data)

    def remove(self, name: str) -> None:
        self._fs.rm_file(f"{self._root}/{name}")

    def rename(self, name: str, to: str) -> None:
        self._fs.mv(f"{self._root}/{name}", f"{self._root}/{to}")

    def lock(self) -> None:
        """Object stores have no locks; Kafka's group membership keeps writers apart there."""

    def close(self) -> None: ...
