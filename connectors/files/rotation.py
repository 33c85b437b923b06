"""Following one log file through rotation, as ``tail -F`` does, without losing a record.

Two ways of rotation exist.  By *rename* the file keeps its identity (device, inode) and
moves to a rotated name, and a new file takes the path.  By *copy and truncate* the path
keeps its identity, its content moves to a new file, and it starts again at zero.
"""

import os
import re
from collections.abc import Iterator

from ..base import SourceError
from .byte_file import ByteFile, Identity, Mark

_NUMBER = re.compile(r"[0-9]{1,3}")


class Tail:
    """The files that have stood, stand and will stand at *path*, in order."""

    def __init__(self, path: str):
        self.path = path
        self._last: ByteFile | None = None  # read to its end
        self._restart = False  # the path was truncated: same identity, new content

    def next_file(self) -> ByteFile | None:
        """The file after the last one, open; None while it does not exist yet."""
        for path in self._successors():
            try:
                file = ByteFile(path)
            except SourceError:
                if os.path.exists(path):
                    raise
                continue  # renamed under our hands: the next look finds it
            if path == self.path and file.compressed:
                file.close()
                raise SourceError(f"follow: {path} is compressed; follow the plain file")
            self._last, self._restart = None, False
            return file
        return None

    def read(self, file: ByteFile, size: int) -> bytes:
        """Read on; empty when there is no more, or what is there now is not *file* any more."""
        data = file.read(size)
        if data and self._truncated(file):
            file.unread(data)
            return b""
        return data

    def at_end(self, file: ByteFile) -> ByteFile | None:
        """What to read now that *file* has no more: itself, a copy of it, or None: it is over.

        A copy continues at the same offset; None means that `next_file` is to be called.
        """
        if self._truncated(file):
            copy = self._copy_of(file)
            if copy is not None:
                file.close()
                return copy
            self._restart = True
        elif not self._is_over(file):
            return file
        self._last = file
        return None

    def _is_over(self, file: ByteFile) -> bool:
        """Whether nobody will write to *file* again."""
        rotated = rotated_names(self.path)
        if file.compressed or file.path in rotated[:-1]:
            return True
        try:
            now = os.stat(self.path)
        except OSError:
            return False  # renamed, and the writer has not opened the new one
        # The writer has moved on once the new file has content; until then it may still
        # write to the old one.
        return Identity(now.st_dev, now.st_ino) != file.identity and now.st_size > 0

    def find(self, mark: Mark) -> ByteFile:
        """The file of *mark*, under any name; `SourceError` when it is gone."""
        matches: list[tuple[bool, int, ByteFile]] = []
        for path in (self.path, *reversed(rotated_names(self.path))):
            try:
                file = ByteFile(path)
            except SourceError:
                continue
            same = file.identity == (mark.device, mark.inode)
            long_enough = file.compressed or file.size() >= mark.offset
            if long_enough and mark.is_head_of(file) and (same or mark.head_bytes):
                matches.append((not same, len(matches), file))
            else:
                file.close()
        if not matches:
            raise SourceError(
                f"{self.path}: the file read last time (inode {mark.inode}, up to byte "
                f"{mark.offset}) is neither there nor among its rotated siblings, so records "
                "may have been lost; put it back, or remove the checkpoint to start from what "
                "is there"
            )
        matches.sort(key=lambda match: match[:2])
        for _, _, file in matches[1:]:
            file.close()
        return matches[0][2]

    def _successors(self) -> list[str]:
        """Paths of the files after the last one, oldest first; the path itself comes last."""
        if self._last is None:
            return [self.path]
        rotated = rotated_names(self.path)
        place = self._place_of_last(rotated)
        later = rotated[place + 1 :] if place is not None else []
        return [*later, self.path]

    def _place_of_last(self, rotated: list[str]) -> int | None:
        """The index in *rotated* of the file read last; after it come its successors."""
        assert self._last is not None
        if self._restart:  # truncated with no copy kept: nothing lies between
            return None
        for place, path in enumerate(rotated):
            try:
                status = os.stat(path)
            except OSError:
                continue
            if Identity(status.st_dev, status.st_ino) == self._last.identity:
                return place
        known = self._last.head_read()
        for place, file in _opened(rotated):  # compressed since: recognised by its content
            if known and file.head(len(known)) == known:
                return place
        return None

    def _truncated(self, file: ByteFile) -> bool:
        """Whether the content already read from *file* is no longer there."""
        if file.compressed:
            return False
        known = file.head_read()
        return file.size() < file.offset or file.head(len(known)) != known

    def _copy_of(self, file: ByteFile) -> ByteFile | None:
        """The copy that was made of *file* before it was truncated, at the same offset."""
        known = file.head_read()
        for path in reversed(rotated_names(self.path)):  # the newest is the likeliest
            try:
                copy = ByteFile(path)
                if known and copy.identity != file.identity and copy.head(len(known)) == known:
                    copy.skip_to(file.offset)
                    return copy
            except SourceError:
                continue  # shorter, or gone again: not the copy
            copy.close()
        return None


def _opened(paths: list[str]) -> Iterator[tuple[int, ByteFile]]:
    for place, path in enumerate(paths):
        try:
            with ByteFile(path) as file:
                yield place, file
        except SourceError:
            continue


def rotated_names(path: str) -> list[str]:
    """Existing rotated names of *path*, oldest first.

    ``x.log.2 x.log.1`` count down; dates, as in ``x.log-20260102`` or
    ``x-20260102.log``, count up; each may end in ``.gz`` or ``.zst``.
    """
    folder, base = os.path.split(path)
    stem, suffix = os.path.splitext(base)
    body = r"[.\-_]([0-9][0-9T:._\-]*?)"
    pattern = re.compile(
        rf"(?:{re.escape(base)}{body}|{re.escape(stem)}{body}{re.escape(suffix)})(?:\.gz|\.zst)?"
    )
    found = []
    try:
        names = os.listdir(folder or ".")
    except OSError:
        return []
    for name in names:
        match = pattern.fullmatch(name)
        if match and name != base:
            mark = match[1] or match[2]
            age = -int(mark) if _NUMBER.fullmatch(mark) else 0
            found.append((age, mark, os.path.join(folder, name)))
    return [name for _, _, name in sorted(found)]
