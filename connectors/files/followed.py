"""Whether a followed file is there, and how much of it is not read yet."""

import os
import time
from collections.abc import Callable

from ..state import Dependency
from .byte_file import ByteFile

PATIENCE = 5.0  # seconds; a rotation takes the file away for a moment


class FollowedFile:
    """Tells *dependency* of a followed file that is not there, or not any more.

    >>> watch = FollowedFile("/not/there", clock=iter([0.0, 6.0]).__next__)
    >>> for _ in range(2):
    ...     watch.look(False)
    >>> watch.dependency.status().reason
    'there is no file /not/there'
    """

    def __init__(
        self,
        path: str,
        dependency: Dependency | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.path, self.dependency = path, dependency or Dependency("source", path)
        self._clock, self._missing_since = clock, None

    _missing_since: float | None

    def look(self, has_records: bool) -> None:
        """After each look for records."""
        if has_records or os.path.exists(self.path):
            self._missing_since = None
            self.dependency.up()
            return
        now = self._clock()
        if self._missing_since is None:
            self._missing_since = now
        elif now - self._missing_since >= PATIENCE:
            self.dependency.down(f"there is no file {self.path}")

    def lag(self, file: ByteFile | None, position: int) -> float:
        """Bytes of the file, as it is now, behind *position* in the *file* that is open."""
        try:
            status = os.stat(self.path)
        except OSError:
            return 0.0
        is_open = file is not None and (file.identity.device, file.identity.inode) == (
            status.st_dev,
            status.st_ino,
        )
        return float(max(0, status.st_size - position) if is_open else status.st_size)
