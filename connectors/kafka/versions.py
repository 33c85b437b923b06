"""Which versions of the client libraries this package was tried with, and what of them it touches.

kafka-python lacks three things in public that a service cannot do without (`python_guards`), so its
versions are known one by one; of confluent-kafka only the public interface is used.
"""

import re
from functools import cache
from importlib import metadata
from typing import Any

Version = tuple[int, ...]

#: By the name of a client: its distribution, the oldest version, the first that is too new, and
#: what to install.
RANGES: dict[str, tuple[str, Version, Version | None, str]] = {
    "kafka-python": ("kafka-python", (3, 0, 11), (3, 1), "'kafka-python>=3.0.11,<3.1'"),
    "confluent": ("confluent-kafka", (2, 6), None, "'stream-rnn[confluent]'"),
}


@cache
def check_version(client: str) -> None:
    """Raise `ValueError` if the library behind *client* is not there, or of another version."""
    distribution, _, _, install = RANGES[client]
    try:
        found = metadata.version(distribution)
    except metadata.PackageNotFoundError:
        raise ValueError(
            f"client = {client!r}: {distribution} is not installed; pip install {install}"
        ) from None
    if (why := _outside(client, found)) is not None:
        raise ValueError(
            f"client = {client!r}: {distribution} {found} is installed, which is {why}; pip "
            f"install {install}"
        )


def _outside(client: str, found: str) -> str | None:
    """In which direction the version *found* is outside of the range.

    >>> _outside("kafka-python", "2.3.3"), _outside("kafka-python", "3.0.12")
    ('too old', None)
    >>> _outside("kafka-python", "3.1.0rc1"), _outside("confluent", "11.0")
    ('newer than any it was tried with', None)
    """
    _, oldest, too_new, _ = RANGES[client]
    version = tuple(map(int, re.findall(r"\d+", re.split(r"[a-z+]", found)[0])))
    if version < oldest:
        return "too old"
    if too_new is not None and version >= too_new:
        return "newer than any it was tried with"
    return None


def check_parts(client: Any, *paths: str) -> None:
    """Raise `ValueError` if *client* has not the private parts at *paths*, such as ``_net.run``."""
    for path in paths:
        part = client
        for name in path.split("."):
            try:
                part = getattr(part, name)
            except AttributeError:
                version = metadata.version("kafka-python")
                raise ValueError(
                    f"kafka-python {version} is built otherwise than those it was tried with: "
                    f"{type(client).__name__} has no {path}; install 3.0.12, or client = "
                    "'confluent'"
                ) from None
