"""Records from files: JSON Lines, CSV or text; plain, gzip or zstandard; whole or followed."""

import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

from ..base import Record, SourceError
from ..lines.dialect import Dialect
from ..lines.formats import format_of, line_format
from ..lines.record_reader import RecordReader
from ..state import Dependency
from .byte_file import ByteFile, Mark, digest
from .file_list import FileList, expand, only
from .followed import FollowedFile
from .foreign import foreign, head_of
from .rotation import Tail
from .streams import inner_name

CHUNK_BYTES = 1 << 18
NO_FILE = Mark("", 0, 0, 0, "", 0, 0, None)  # a followed file that was not there yet


class FileSource:
    r"""Reads one or several files record by record.

    *path* is a file, a folder, a glob pattern or a sequence of files; folders and patterns
    are read in the order of names.  *format* is ``jsonl``, ``csv`` or ``text`` (a record
    ``{"text": line}``); without it the name tells.  Compression is told by the content.

    With *follow* the one file *path* is read as ``tail -F`` would: the source waits for more,
    survives rotation by rename and by copy-and-truncate, reads a rotated file to its end
    before the new one, and hands out complete lines only.  Otherwise an unterminated last
    line counts, and `finished` turns true at the end.

    A record that cannot be decoded, or a line longer than *max_record_bytes*, becomes a
    `Record` with ``error``; ``offset`` counts the records of a file from zero.

    *dependency* is told whether a followed file is there.

    Raises `SourceError` when there is no such file, it cannot be read or is damaged, or its
    CSV header cannot be used; `ValueError` for arguments that do not go together.

    >>> import tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "taxi.csv")
    >>> with open(path, "w") as file:
    ...     _ = file.write("riders,rain\n10,\n12,0.5\nmany\n")
    >>> source = FileSource(path)
    >>> [record.value for record in source.next_batch(1, timeout=0)]
    [{'riders': '10', 'rain': ''}]
    >>> position = source.snapshot()
    >>> source.close()
    >>> source = FileSource(path)
    >>> source.restore(position)
    >>> [record.value or record.error for record in source.next_batch(10, timeout=0)]
    [{'riders': '12', 'rain': '0.5'}, 'row has 1 cells, the header has 2']
    >>> source.finished
    True
    >>> source.close()
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        *,
        format: str | None = None,
        follow: bool = False,
        columns: Sequence[str] | None = None,
        max_record_bytes: int = 1 << 20,
        poll_interval: float = 0.05,
        dependency: Dependency | None = None,
        **dialect: Any,
    ):
        paths = [os.fspath(path)] if isinstance(path, str | os.PathLike) else None
        paths = paths or [os.fspath(one) for one in path]  # type: ignore[union-attr]
        self._files: Tail | FileList
        if follow:
            self._files = Tail(only(paths))
        else:
            self._files = FileList(expand(paths))
        self.follow = follow
        self.finished = False
        self._watch = FollowedFile(self._files.path, dependency) if follow else None
        self.poll_interval = poll_interval
        self.max_record_bytes = max_record_bytes
        self._format = line_format(
            format or _format(self._files.path),
            columns=columns,
            max_record_bytes=max_record_bytes,
            live=follow,
            **dialect,
        )
        self._file: ByteFile | None = None
        self._failure: SourceError | None = None
        self._reader = self._read_from(self._files.path)

    def next_batch(self, max_records: int, timeout: float) -> list[Record]:
        """Up to *max_records*; when following, waits up to *timeout* seconds for the first."""
        deadline = time.monotonic() + timeout
        batch: list[Record] = []
        while len(batch) < max_records and not self.finished:
            records = self._reader.take(max_records - len(batch))
            batch += records
            if records or self._refill_or_keep(batch):
                continue
            left = deadline - time.monotonic()
            if batch or self.finished or left <= 0:
                break
            time.sleep(min(self.poll_interval, left))
        if self._watch is not None:
            self._watch.look(bool(batch))
        return batch

    def metrics(self) -> Iterator[tuple[str, dict[str, str], float]]:
        """Of a followed file how much is not read yet, as a sample: name, labels, value."""
        if self._watch is not None:
            yield "file_lag_bytes", {}, self._watch.lag(self._file, self._reader.position)

    def snapshot(self) -> dict[str, Any] | None:
        """File (path, device, inode, hash of its head), byte offset and record count.

        None before the first record of files that are not followed.  The offset counts
        uncompressed bytes.
        """
        if isinstance(self._files, Tail):
            if self._file is None and not self._open_next():
                return NO_FILE._replace(path=self._files.path, older=self._files.known())._asdict()
            older = self._files.known()
        else:
            older = None
        if self._file is None:
            return None
        offset = self._reader.position
        # What was read ahead tells files apart only where nothing else does.
        head = self._file.head_read()[: offset or None]
        return Mark(
            path=self._file.path,
            device=self._file.identity.device,
            inode=self._file.identity.inode,
            head_bytes=len(head),
            head_hash=digest(head),
            offset=offset,
            records=self._reader.records,
            header=self._format.header,
            dialect=None if self._format.dialect is None else list(self._format.dialect),
            older=older,
        )._asdict()

    def restore(self, position: dict[str, Any] | None) -> None:
        """Continue just after *position*, in the same file even if it was renamed since.

        Raises `SourceError` if no file is there that begins as the one of *position* did
        and reaches as far.
        """
        self.close()
        self._file, self._failure, self.finished = None, None, False
        if position is None:
            return
        mark = Mark(**position)
        if mark.inode == NO_FILE.inode and isinstance(self._files, Tail):
            self._files.resume(mark.older or [])
            return
        self._file = self._files.find(mark)
        self._file.skip_to(mark.offset)
        self._reader = self._read_from(self._file.path, mark.offset, mark.records)
        self._format.resume(mark.header, mark.dialect)

    @property
    def dialect(self) -> Dialect | None:
        """What its CSV is made of, once the first records were read."""
        return self._format.dialect

    @property
    def header(self) -> list[str] | None:
        """The columns of its CSV, once they were read."""
        return self._format.header

    def fraction(self) -> float | None:
        """How much of all files was read, by their sizes; None when following."""
        return None if isinstance(self._files, Tail) else self._files.fraction(self._file)

    def close(self) -> None:
        """Close the file; `snapshot` still tells the position, `restore` opens it again."""
        if self._file is not None:
            self._file.close()

    def _refill_or_keep(self, batch: list[Record]) -> bool:
        """`_refill`; where it fails, the records before it are handed out first."""
        if self._failure is not None:
            raise self._failure
        try:
            return self._refill()
        except SourceError as error:
            if not batch:
                raise
            self._failure = error  # for the next call
            return False

    def _refill(self) -> bool:
        """Read on; False when there is nothing more now."""
        if self._file is None or self._reader.ended:
            return self._open_next()
        data = self._files.read(self._file, CHUNK_BYTES)
        if data:
            self._reader.feed(data)
            return True
        file = self._files.at_end(self._file)
        if file is self._file:
            return False
        if file is None:
            self._reader.end()
        else:
            self._file = file
        return True

    def _open_next(self) -> bool:
        file = self._files.next_file()
        if file is None:
            self.finished = not self.follow
            return False
        if self._file is not None:
            self._file.close()
        self._file = file
        self._reader = self._read_from(file.path)
        self._format.start_file()
        return True

    def _read_from(self, path: str, position: int = 0, records: int = 0) -> RecordReader:
        partition = self._files.path if self.follow else path
        return RecordReader(self._format, self.max_record_bytes, partition, position, records)


def _format(path: str) -> str:
    """The format by the name; raises `SourceError` that says what the file is."""
    try:
        return format_of(inner_name(path))
    except SourceError:
        if os.path.isfile(path) and (told := foreign(path, head_of(path))):
            raise SourceError(told) from None
        raise
