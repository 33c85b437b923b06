"""Where contexts are that are not in memory: a temporary database on disk."""

import sqlite3
import weakref
from collections.abc import Iterator

import msgspec

from .key import Key

PAGE_BYTES, CACHE_KIB = 8192, 8192


class Shelf:
    """Blobs by key, on disk.  It ends with the process; checkpoints are what lasts.

    SQLite keeps it in a file of its own in the folder for temporary files (SQLITE_TMPDIR,
    TMPDIR or /var/tmp), which no other process sees.

    >>> shelf = Shelf()
    >>> shelf.put("a", b"state"), shelf.get("a"), shelf.get("b"), len(shelf)
    (None, b'state', None, 1)
    """

    def __init__(self) -> None:
        # The thread that learns and the one that saves take turns.
        self._base = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for setting in (
            f"page_size = {PAGE_BYTES}",
            f"cache_size = -{CACHE_KIB}",
            "journal_mode = OFF",
            "synchronous = OFF",
        ):
            self._base.execute(f"PRAGMA {setting}")
        self._base.execute("CREATE TABLE contexts (key BLOB PRIMARY KEY, blob BLOB)")
        self._base.execute("BEGIN")  # never ended: there is nothing to make durable
        self._count = 0
        weakref.finalize(self, self._base.close)

    def __len__(self) -> int:
        return self._count

    def get(self, key: Key) -> bytes | None:
        found = self._base.execute("SELECT blob FROM contexts WHERE key = ?", (_pack(key),))
        row = found.fetchone()
        return None if row is None else row[0]

    def put(self, key: Key, blob: bytes) -> None:
        """Raises `OSError` where there is no room."""
        name = _pack(key)
        try:
            done = self._base.execute("UPDATE contexts SET blob = ? WHERE key = ?", (blob, name))
            if not done.rowcount:
                self._base.execute("INSERT INTO contexts VALUES (?, ?)", (name, blob))
                self._count += 1
        except sqlite3.OperationalError as error:
            raise OSError(
                f"contexts cannot be moved to the folder for temporary files: {error}; make "
                "room there, name another one in SQLITE_TMPDIR, or increase max_contexts"
            ) from error

    def remove(self, key: Key) -> None:
        gone = self._base.execute("DELETE FROM contexts WHERE key = ?", (_pack(key),))
        self._count -= gone.rowcount

    def __iter__(self) -> Iterator[Key]:
        """All keys, in the order in which they came."""
        for (name,) in self._base.execute("SELECT key FROM contexts ORDER BY rowid").fetchall():
            yield _unpack(name)


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode
