"""The rotated siblings of a followed file: which came before it, which after, in what order.

Names do not tell: some programs count up (log4j 2), some down (logrotate), some write dates.  A
`History` remembers the files that were read or were there before the first look, by identity and
by how they begin, so that a file it does not know has come since.  Those are ordered by date where
all names have one, else by the time of their last write; where two times are equal, by the
direction in which the numbers are seen to count.
"""

import logging
import os
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from ..base import SourceError
from .byte_file import HEAD_BYTES, ByteFile, Identity, digest

log = logging.getLogger(__name__)

KNOWN = 64  # files remembered in a position
LARGEST_NUMBER = 999  # above it a number in a name is a date


class Sibling(NamedTuple):
    """A file with a rotated name."""

    path: str
    identity: Identity
    written: int  # time of the last write, nanoseconds
    size: int
    numbers: tuple[int, ...]  # those in its name

    @property
    def is_dated(self) -> bool:
        """Whether the name holds a date rather than a count."""
        return self.numbers[0] > LARGEST_NUMBER


class Known(NamedTuple):
    """A file that has been read, or was there before: it is recognised under any name."""

    device: int
    inode: int
    written: int
    head_bytes: int  # how many of the first bytes
    head_hash: str  # ... have this hash


class History:
    """What is known of the files that stood at *path*."""

    def __init__(self, path: str):
        self.path = path
        self.known: list[Known] = []
        self._heads: dict[tuple[Identity, int, int], bytes] = {}

    def begin(self) -> None:
        """Whatever is there now was there before."""
        self.known = [self._known(one) for one in siblings(self.path) if one.size]

    def resume(self, saved: Iterable[Sequence] | None, found: ByteFile | None) -> None:
        """Continue with what a position has *saved*; *found* is the file it is in."""
        if saved is None:  # of an earlier version: what is older than the file goes by its place
            order = in_order(siblings(self.path), (), None)
            paths = [one.path for one in order]
            place = paths.index(found.path) if found and found.path in paths else len(order)
            self.known = [self._known(one) for one in order[:place] if one.size]
        else:
            self.known = [Known(*fields) for fields in saved]

    def saved(self) -> list[list]:
        """The newest of the known files, JSON-able."""
        return [list(known) for known in sorted(self.known, key=lambda k: k.written)[-KNOWN:]]

    def finished(self, file: ByteFile) -> None:
        """*file* has been read to its end."""
        head, identity = file.head_read(), file.identity
        self.known.append(Known(*identity, file.written(), len(head), digest(head)))
        if len(self.known) > 2 * KNOWN:  # what was written before them all is known, too
            self.known = sorted(self.known, key=lambda known: known.written)[-KNOWN:]

    def successors(
        self, current: ByteFile | None = None, last: ByteFile | None = None
    ) -> list[str]:
        """Paths of the files that came since, oldest first.

        *current* is being read, *last* was read before: neither counts, nor does a copy of it.
        """
        found = [one for one in siblings(self.path) if one.size]
        older = self._recognised(found)
        newer = [one for one in found if one not in older and not self._is_or_copies(one, current)]
        if not newer:
            return []
        anchor = current or last
        here = next((s for s in found if anchor and s.identity == anchor.identity), None)
        if here is not None and here.is_dated:
            newer = [one for one in newer if not one.is_dated or one.numbers > here.numbers]
        before = [*(one for one in older if one is not here), *([here] if here else [])]
        return [one.path for one in in_order(newer, before, log)]

    def _recognised(self, found: list[Sibling]) -> list[Sibling]:
        """Those of *found* that are known: as the same file, or as a copy of one that is gone."""
        by_identity = {one.identity: one for one in found}
        same, gone = [], set()
        for known in self.known:
            one = by_identity.get(Identity(known.device, known.inode))
            head = b"" if one is None else self._head(one)[: known.head_bytes]
            if one is not None and (len(head), digest(head)) == known[3:]:
                same.append(one)
            else:
                gone.add(known[3:])
        oldest = min((k.written for k in self.known), default=0) if len(self.known) >= KNOWN else 0
        for one in found:
            if one in same:
                continue
            head = self._head(one)
            if one.written < oldest or (head and (len(head), digest(head)) in gone):
                same.append(one)
        return same

    def _is_or_copies(self, one: Sibling, current: ByteFile | None) -> bool:
        """Whether it is *current* under another name, or a copy in the making."""
        if current is None:
            return False
        if one.identity == current.identity:
            return True
        head, own = self._head(one), current.head_read()
        shorter = min(len(head), len(own))
        return shorter > 0 and head[:shorter] == own[:shorter]

    def _known(self, one: Sibling) -> Known:
        head = self._head(one)
        return Known(*one.identity, one.written, len(head), digest(head))

    def _head(self, one: Sibling) -> bytes:
        """The first bytes; none where the file cannot be read, or not yet."""
        key = one.identity, one.written, one.size
        if key not in self._heads:
            try:
                with ByteFile(one.path) as file:
                    head = file.head(HEAD_BYTES)
            except (SourceError, OSError):
                return b""
            if len(self._heads) > 4 * KNOWN:
                self._heads.clear()
            self._heads[key] = head
        return self._heads[key]


def siblings(path: str) -> list[Sibling]:
    """The files with a rotated name of *path*, in no order.

    ``x.log.2``, ``x.log-20260102``, ``x-2026-01-02.1.log``; each may end in ``.gz`` or ``.zst``.
    """
    folder, base = os.path.split(path)
    stem, suffix = os.path.splitext(base)
    body = r"[.\-_]([0-9][0-9T:._\-]*?)"
    pattern = re.compile(
        rf"(?:{re.escape(base)}{body}|{re.escape(stem)}{body}{re.escape(suffix)})(?:\.gz|\.zst)?"
    )
    found = []
    try:
        entries = list(os.scandir(folder or "."))
    except OSError:
        return []
    for entry in entries:
        match = pattern.fullmatch(entry.name)
        if match is None or entry.name == base:
            continue
        try:
            status = os.stat(entry.path)
        except OSError:
            continue  # renamed under our hands: the next look finds it
        numbers = tuple(int(digits) for digits in re.findall(r"[0-9]+", match[1] or match[2]))
        name = os.path.join(folder, entry.name)
        identity = Identity(status.st_dev, status.st_ino)
        found.append(Sibling(name, identity, status.st_mtime_ns, status.st_size, numbers))
    return found


def in_order(
    found: Sequence[Sibling], before: Sequence[Sibling], told: logging.Logger | None
) -> list[Sibling]:
    """*found* from the oldest to the newest; all of *before* are known to be older.

    Where neither times nor numbers tell, *told* is warned, and the numbers count down.
    """
    if all(one.is_dated for one in found):
        return sorted(found, key=lambda one: one.numbers)
    sign = _direction(found, before)
    times = [one.written for one in found]
    if sign == 0 and len(set(times)) < len(times) and told is not None:
        names = ", ".join(sorted(os.path.basename(one.path) for one in found))
        told.warning(
            "rotated files were written at the same time, and their names do not tell which was "
            "first: %s; read as if the highest number were the oldest",
            names,
        )

    def age(one: Sibling) -> tuple[int, bool, list[int]]:
        way = 1 if one.is_dated else sign or -1
        return one.written, one.is_dated, [way * number for number in one.numbers]

    return sorted(found, key=age)


def _direction(found: Sequence[Sibling], before: Sequence[Sibling]) -> int:
    """1 if numbers count up with time, -1 if down, 0 if that cannot be told."""
    counted = [one for one in found if not one.is_dated]
    votes = sum(
        _sign(new.numbers, old.numbers) for old in before if not old.is_dated for new in counted
    )
    if votes == 0:
        ranked = sorted(counted, key=lambda one: one.written)
        votes = sum(
            _sign(new.numbers, old.numbers)
            for old, new in pairwise(ranked)
            if new.written > old.written
        )
    return (votes > 0) - (votes < 0)


def _sign(new: tuple[int, ...], old: tuple[int, ...]) -> int:
    return (new > old) - (new < old)
