"""A fixed list of files, read one after the other, each to its end."""

import glob
import os

from ..base import Lost, SourceError
from ..lines.formats import COMPRESSIONS
from .byte_file import ByteFile, Mark
from .natural import natural


class FileList:
    """The files at *paths*, in that order."""

    def __init__(self, paths: list[str]):
        self.paths = paths
        self.path = paths[0]
        self._next = 0

    def next_file(self) -> ByteFile | None:
        """The next file, open; None after the last."""
        if self._next == len(self.paths):
            return None
        self._next += 1
        return ByteFile(self.paths[self._next - 1], whole=True)

    def read(self, file: ByteFile, size: int) -> bytes:
        """Up to *size* bytes of *file*."""
        return file.read(size)

    def at_end(self, file: ByteFile) -> ByteFile | None:
        """None: a file that is not followed is over at its end."""
        return None

    def fraction(self, file: ByteFile | None) -> float:
        """How much of all files was read when *file* is being read, by their sizes."""
        sizes = [os.path.getsize(path) if os.path.exists(path) else 0 for path in self.paths]
        done = sum(sizes[: max(0, self._next - 1)])
        return (done + (file.raw_offset if file else 0)) / max(1, sum(sizes))

    def find(self, mark: Mark) -> ByteFile:
        """The file of *mark*; `SourceError` if it is not in the list or has other content."""
        name = os.path.basename(mark.path)
        places = [i for i, path in enumerate(self.paths) if path == mark.path] or [
            i for i, path in enumerate(self.paths) if os.path.basename(path) == name
        ]
        for place in places:
            file = ByteFile(self.paths[place], whole=True)
            if mark.is_head_of(file):
                self._next = place + 1
                return file
            file.close()
        problem = "has other content now" if places else "is not among the files to be read"
        raise Lost(
            f"{mark.path}, read up to byte {mark.offset} last time, {problem}; "
            "restore the file, or remove the checkpoint to start from the beginning"
        )


def expand(paths: list[str]) -> list[str]:
    """Files for *paths*: folders and patterns give their files in the order of names,
    in which numbers count as numbers."""
    files: list[str] = []
    for path in paths:
        if os.path.isdir(path):
            found = glob.glob(os.path.join(glob.escape(path), "*"))
        elif os.path.exists(path):
            found = [path]
        else:
            found = glob.glob(path, recursive=True)
        found = [name for name in found if not os.path.isdir(name)]
        if not found:
            raise SourceError(f"no file at {path!r}; check the path (or pattern)")
        files += sorted(found, key=natural)
    if not files:
        raise SourceError("path=[] names no file")
    return files


def only(paths: list[str]) -> str:
    """The one file that is followed; it need not exist yet."""
    if len(paths) != 1 or os.path.isdir(paths[0]) or _is_pattern(paths[0]):
        raise ValueError(f"follow=True takes one file, not {', '.join(paths)}")
    if paths[0].lower().endswith(COMPRESSIONS):
        raise ValueError(f"follow=True takes a plain file, {paths[0]} is compressed")
    return paths[0]


def _is_pattern(path: str) -> bool:
    return glob.has_magic(path) and not os.path.exists(path)
