"""A schema registry: from the number in a message to the schema it was written with.

The HTTP interface is that of Confluent's registry (GET /schemas/ids/N), which others offer too.
"""

import base64
import json
import logging
import os
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..base import SourceError
from ..kafka.settings import Secret
from ..secrets import read_line
from .schemas import BadAvro, BadSchema, Schema, parse_into, parsed

log = logging.getLogger(__name__)

MAX_ANSWER = 4 << 20  # bytes of a schema
MAX_USELESS = 10_000  # numbers remembered as unknown, or of schemas that cannot be used
USELESS_SECONDS = 10.0  # how long: a registry of several nodes may learn of a schema late
MAX_REFERENCES = 100  # schemas that one schema may pull in
REFUSED = {401, 403}


@dataclass(frozen=True)
class RegistrySettings:
    """Where the registry is and how to reach it.

    >>> RegistrySettings("https://registry:8081", "reader", Secret("s3cret"))
    RegistrySettings(url='https://registry:8081', username='reader', password=Secret('***'), \
cafile=None, timeout_seconds=5.0, retry_seconds=30.0)
    """

    url: str
    username: str | None = None
    password: Secret | None = None
    cafile: str | None = None
    timeout_seconds: float = 5.0  # of one request
    retry_seconds: float = 30.0  # how long a registry that does not answer is asked again

    def __post_init__(self) -> None:
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("registry: give its address as 'http://host:port' or 'https://…'")
        if "@" in parts.netloc:
            raise ValueError(
                "registry: credentials do not belong into the address; give username and "
                "password_file, or SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD"
            )
        if (self.username is None) != (self.password is None):
            raise ValueError("registry: username and password go together; give both or neither")
        if self.password is not None and parts.scheme != "https":
            raise ValueError("registry: a password over http would not be encrypted; use https")

    @classmethod
    def from_options(
        cls, options: Mapping[str, Any], environ: Mapping[str, str] = os.environ
    ) -> "RegistrySettings":
        """From a configuration table, the credentials perhaps from files or the environment.

        SCHEMA_REGISTRY_USERNAME, SCHEMA_REGISTRY_PASSWORD and SCHEMA_REGISTRY_PASSWORD_FILE are
        read.  Raises ValueError that names the option.
        """
        names = ("username", "cafile", "timeout_seconds", "retry_seconds")
        values = {name: options[name] for name in names if options.get(name) is not None}
        prefix = "SCHEMA_REGISTRY_"
        if path := options.get("username_file"):
            values["username"] = read_line("username_file", path)
        elif f"{prefix}USERNAME" in environ:
            values.setdefault("username", environ[f"{prefix}USERNAME"])
        if path := options.get("password_file") or environ.get(f"{prefix}PASSWORD_FILE"):
            values["password"] = Secret(read_line("password_file", path))
        elif f"{prefix}PASSWORD" in environ:
            values["password"] = Secret(environ[f"{prefix}PASSWORD"])
        return cls(options["registry"], **values)


class Registry:
    """Asks once for every schema and keeps it: what a number means never changes.

    A number that the registry does not know is the record's fault (`BadAvro`).  A registry that
    does not answer is not: it is asked again for a while, then `SourceError` ends the run.
    """

    def __init__(self, settings: RegistrySettings):
        self.settings = settings
        self._schemas: dict[int, Schema] = {}
        self._useless: dict[int, tuple[str, float]] = {}  # why, and until when to believe it
        handlers: list[Any] = [_NoRedirect]
        if settings.url.startswith("https"):
            context = ssl.create_default_context(cafile=settings.cafile)
            handlers.append(urllib.request.HTTPSHandler(context=context))
        self._opener = urllib.request.build_opener(*handlers)

    def schema(self, number: int) -> Schema:
        """The schema *number*; raises `BadAvro` or `SourceError`."""
        if number in self._schemas:
            return self._schemas[number]
        why, until = self._useless.get(number, ("", 0.0))
        if time.monotonic() >= until:
            try:
                answer = self._ask(f"schemas/ids/{number}")
                named = self._references(answer, {}, set())
                self._schemas[number] = parsed(_body(answer), named)
                return self._schemas[number]
            except (LookupError, BadSchema) as error:
                why = f"schema {number}: {error.args[0]}"
            if len(self._useless) >= MAX_USELESS:
                self._useless.clear()
            self._useless[number] = why, time.monotonic() + USELESS_SECONDS
        raise BadAvro(why)

    def _references(
        self, answer: Mapping[str, Any], named: dict[str, Any], seen: set[tuple[str, int]]
    ) -> dict[str, Any]:
        """The schemas that one refers to by name, which are schemas of their own."""
        for reference in answer.get("references") or ():
            place = str(reference["subject"]), int(reference["version"])
            if place in seen:
                continue
            seen.add(place)
            if len(seen) > MAX_REFERENCES:
                raise BadSchema(f"it refers to more than {MAX_REFERENCES} other schemas")
            subject = urllib.parse.quote(place[0], safe="")
            other = self._ask(f"subjects/{subject}/versions/{place[1]}")
            parse_into(self._references(other, named, seen), _body(other))
        return named

    def _ask(self, path: str) -> dict[str, Any]:
        """The JSON object at *path*; LookupError if there is none."""
        deadline, pause = time.monotonic() + self.settings.retry_seconds, 0.1
        while True:
            try:
                return self._get(path)
            except _TryAgain as error:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise SourceError(
                        f"the schema registry {self.settings.url} does not answer ({error}); "
                        "start it or correct format.registry, then start this run again: it "
                        "goes on where it ended"
                    ) from None
                log.warning("schema registry: %s; trying again", error)
                time.sleep(min(pause, left))
                pause = min(2 * pause, 5.0)

    def _get(self, path: str) -> dict[str, Any]:
        url = f"{self.settings.url.rstrip('/')}/{path}"
        request = urllib.request.Request(url)
        request.add_header("Accept", "application/vnd.schemaregistry.v1+json, application/json")
        if self.settings.password is not None:
            pair = f"{self.settings.username}:{self.settings.password.reveal()}"
            word = base64.b64encode(pair.encode()).decode()
            request.add_unredirected_header("Authorization", f"Basic {word}")
        try:
            with self._opener.open(request, timeout=self.settings.timeout_seconds) as response:
                data = response.read(MAX_ANSWER + 1)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 404:
                raise LookupError("the registry does not know it") from None
            if error.code in REFUSED:
                raise SourceError(
                    f"the schema registry {self.settings.url} refuses this client (status "
                    f"{error.code}); correct username and password_file"
                ) from None
            raise _TryAgain(f"status {error.code}") from None
        except OSError as error:  # refused, timed out, TLS
            raise _TryAgain(str(getattr(error, "reason", error))) from None
        except Exception as error:  # http.client has exceptions of its own
            raise _TryAgain(type(error).__name__) from None
        if len(data) > MAX_ANSWER:
            raise BadSchema(f"the answer is longer than {MAX_ANSWER} bytes")
        try:
            answer = json.loads(data)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise _TryAgain("the answer is not a JSON object")
        return answer


class _TryAgain(Exception):
    """The registry has not given an answer."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A registry does not redirect; one that does could take the credentials elsewhere."""

    def redirect_request(self, *_arguments: Any, **_options: Any) -> None:
        return None


def _body(answer: Mapping[str, Any]) -> Any:
    """The schema's JSON; raises `BadSchema`."""
    kind = answer.get("schemaType", "AVRO")
    if kind != "AVRO":
        raise BadSchema(f"it is {kind}, not Avro")
    try:
        return json.loads(answer["schema"])
    except (KeyError, TypeError, ValueError, RecursionError):
        raise BadSchema("the registry's answer holds no schema") from None
