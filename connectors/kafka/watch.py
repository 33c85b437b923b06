"""Topics that are made again while they are read are noticed by their ids.

A client that reads on at the offset where it was gets records of the new topic as if nothing had
happened, once there are so many; those before them would be missed.
"""

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future

from ..background import in_background
from .driver import METADATA_SECONDS
from .origins import Origin, ask_origins, check_origin
from .settings import KafkaSettings

log = logging.getLogger(__name__)

Known = Mapping[str, Origin]


class Watch:
    """Asks for the ids of topics now and then, beside the reading, which never waits for it.

    Args:
        settings: how to reach the cluster.
        known: the topics as they were when their reading began.
        seconds: from an answer to the next question.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        known: Callable[[], Known],
        seconds: float = METADATA_SECONDS,
    ):
        self._settings, self._known, self._seconds = settings, known, seconds
        self._due = time.monotonic() + seconds
        self._asking: Future[Known] | None = None

    def look(self) -> None:
        """Take an answer, or ask if it is time; raises `Lost` for a topic that is another one."""
        if self._asking is None:
            if time.monotonic() >= self._due and (known := self._known()):
                self._asking = in_background(ask_origins, self._settings, sorted(known))
            return
        if not self._asking.done():
            return
        asking, self._asking = self._asking, None
        self._due = time.monotonic() + self._seconds
        if (error := asking.exception()) is not None:  # brokers that are down are told of elsewhere
            log.debug("the ids of topics are not told: %s", error)
            return
        now = asking.result()
        for topic, before in self._known().items():
            check_origin(topic, before, now.get(topic), "while it was read")
