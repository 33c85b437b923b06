"""What is said of a value in a message: never a secret.

>>> shown({"username": "rnn", "password": "open sesame"})
"{'username': 'rnn', 'password': '***'}"
>>> shown("s3://key:sesame@bucket/models")
"'s3://***@bucket/models'"
"""

import contextlib
import os
import pathlib
import re
from typing import Any

_NAMES = re.compile(r"passw|secret|token|credential|jaas|(?<!message)_?key$", re.IGNORECASE)
_FILES = re.compile(r"_file$|file$|location$")
_USER = re.compile(r"(?<=//)[^/\s@]*(?:/[^/\s@]*)*@")
_BARE_USER = re.compile(r"(?:(?<=^)|(?<=,))[^@,/:\s]+:(?!//)[^@,\s]+@")


def is_secret(name: str) -> bool:
    """Whether a field of this name holds a secret itself, rather than the path of one.

    >>> [is_secret(name) for name in ("password", "ssl.key.password", "password_file", "topic")]
    [True, True, False, False]
    """
    return bool(_NAMES.search(name)) and not _FILES.search(name)


def shown(value: Any) -> str:
    """The `repr` of *value* without what its names or its form say is secret."""
    return repr(hidden(value))


def hidden(value: Any, name: str = "") -> Any:
    """*value*, of the field *name*, with three stars in the place of every secret."""
    if isinstance(value, dict):
        return {field: hidden(inner, str(field)) for field, inner in value.items()}
    if isinstance(value, list | tuple):
        return [hidden(inner, name) for inner in value]
    if is_secret(name) and isinstance(value, str):
        return "***"
    return without_user(value) if isinstance(value, str) else value


def without_user(text: str) -> str:
    """An address without the user and the password in it.

    >>> without_user("u:p@h:9092,g:9092"), without_user("https://token@host/x")
    ('***@h:9092,g:9092', 'https://***@host/x')
    """
    return _BARE_USER.sub("***@", _USER.sub("***@", text))


class Secret:
    """A string that does not show itself.

    >>> password = Secret("open sesame")
    >>> password
    Secret('***')
    >>> password.reveal()
    'open sesame'
    """

    __slots__ = ("_text",)

    def __init__(self, text: str):
        self._text = text

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> Any:
        raise TypeError("a Secret cannot be copied out of the process")

    def reveal(self) -> str:
        """The string itself."""
        return self._text


class FileSecret(Secret):
    """One in a file, which is read again for every new client: it may be renewed."""

    __slots__ = ("_field", "_path")

    def __init__(self, field: str, path: str):
        self._field, self._path = field, path
        super().__init__(read_line(field, path))

    def reveal(self) -> str:
        """What the file holds now, or did when it could last be read."""
        with contextlib.suppress(ValueError):
            self._text = read_line(self._field, self._path)
        return self._text


def read_line(field: str, path: str) -> str:
    """The file's one line; a final line break is not part of it."""
    try:
        text = pathlib.Path(path).read_text().rstrip("\r\n")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a path"
        raise ValueError(f"{field}: cannot read {_path(path)}: {why}") from None
    if not text or "\n" in text:
        raise ValueError(f"{field}: {path!r} must hold exactly one line")
    return text


def _path(text: str) -> str:
    """*text* if it is a path: it may be the secret, given in the place of its file."""
    folder = os.path.dirname(text)
    return repr(text) if folder and os.path.isdir(folder) else "the file that it names"
