"""Following one log file through rotation, as ``tail -F`` does, without losing a record.

Two ways of rotation exist.  By *rename* the file keeps its identity (device, inode) and
moves to a rotated name, and a new file takes the path.  By *copy and truncate* the path
keeps its identity, its content moves to a new file, and it starts again at zero.
"""

import os
from collections.abc import Sequence

from ..base import Lost, SourceError
from .byte_file import ByteFile, Identity, Mark
from .siblings import History, in_order, siblings


class Tail:
    """The files that have stood, stand and will stand at *path*, in order."""

    def __init__(self, path: str):
        self.path = path
        self._history = History(path)
        self._history.begin()
        self._last: ByteFile | None = None  # read to its end

    def next_file(self) -> ByteFile | None:
        """The file after the last one, open; None while it does not exist yet."""
        for path in (*self._history.successors(last=self._last), self.path):
            try:
                file = ByteFile(path)
            except SourceError:
                if os.path.exists(path):
                    raise
                continue  # renamed under our hands: the next look finds it
            if path == self.path and file.compressed:
                file.close()
                raise SourceError(f"follow: {path} is compressed; follow the plain file")
            self._last = None
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
        elif not self._is_over(file):
            return file
        self._history.finished(file)
        self._last = file
        return None

    def _is_over(self, file: ByteFile) -> bool:
        """Whether nobody will write to *file* again."""
        if file.compressed:
            return True
        now = _status(self.path)
        if now is not None and Identity(now.st_dev, now.st_ino) == file.identity:
            return False
        # Renamed.  The writer has moved on once a new file has content; until then it may still
        # write to the old one.
        return (now is not None and now.st_size > 0) or bool(self._history.successors(file))

    def known(self) -> list[list]:
        """What was there before the file that is read, for a position."""
        return self._history.saved()

    def resume(self, known: Sequence[Sequence]) -> None:
        """No file was there yet; *known* is what `known` has said."""
        self._history.resume(known, None)

    def find(self, mark: Mark) -> ByteFile:
        """The file of *mark*, under any name; `SourceError` when it is gone."""
        matches: list[tuple[bool, int, ByteFile]] = []
        order = in_order(siblings(self.path), (), None)
        for path in (self.path, *(one.path for one in reversed(order))):
            try:
                file = ByteFile(path)
            except SourceError:
                continue
            same = file.identity == (mark.device, mark.inode)
            if self._is_of(mark, file) and (same or mark.head_bytes):
                matches.append((not same, len(matches), file))
            else:
                file.close()
        if not matches:
            raise Lost(
                f"{self.path}: the file read last time (inode {mark.inode}, up to byte "
                f"{mark.offset}) is neither there nor among its rotated siblings, so records "
                "may have been lost; put it back, or remove the checkpoint to start from what "
                "is there"
            )
        matches.sort(key=lambda match: match[:2])
        for _, _, file in matches[1:]:
            file.close()
        self._history.resume(mark.older, matches[0][2])
        return matches[0][2]

    @staticmethod
    def _is_of(mark: Mark, file: ByteFile) -> bool:
        try:
            long_enough = file.compressed or file.size() >= mark.offset
            return long_enough and mark.is_head_of(file)
        except SourceError:  # damaged: not what was read
            return False

    def _truncated(self, file: ByteFile) -> bool:
        """Whether the content already read from *file* is no longer there."""
        if file.compressed:
            return False
        known, opened = file.head_read(), file.head_opened()
        head = file.head(max(len(known), len(opened)))
        return file.size() < file.offset or not (head.startswith(known) and head.startswith(opened))

    def _copy_of(self, file: ByteFile) -> ByteFile | None:
        """The copy that was made of *file* before it was truncated, at the same offset."""
        known = file.head_read()
        newest_first = sorted(siblings(self.path), key=lambda one: -one.written)
        for one in newest_first if known else ():
            if one.identity == file.identity:
                continue
            try:
                copy = ByteFile(one.path)
                if copy.head(len(known)) == known:
                    copy.skip_to(file.offset)
                    return copy
            except SourceError:
                continue  # shorter, or gone again: not the copy
            copy.close()
        return None


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:
        return None
