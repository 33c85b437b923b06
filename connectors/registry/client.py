"""A schema registry: asked for schemas by number, told of new ones.

The HTTP interface is that of Confluent's registry (GET /schemas/ids/N, POST
/subjects/S/versions), which others offer too.
"""

import base64
import json
import logging
import ssl
import struct
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from ..base import BadMessage, Denied, SourceError, Unreachable
from .settings import RegistrySettings

log = logging.getLogger(__name__)

PREFIX = struct.Struct(">bI")  # in front of a message: a zero, and the number of its schema
MAX_ANSWER = 4 << 20  # bytes of a schema
MAX_USELESS = 10_000  # numbers remembered as unknown, or of schemas that cannot be used
USELESS_SECONDS = 10.0  # how long: a registry of several nodes may learn of a schema late
MAX_REFERENCES = 100  # schemas that one schema may pull in
MAX_REASON = 200  # characters of what a registry says of a schema that it does not take
REFUSED = {401, 403}
REJECTED = {400, 409, 422}  # not well formed, not compatible, not valid
JSON = "application/vnd.schemaregistry.v1+json"

Use = TypeVar("Use")


class BadSchema(ValueError):
    """A schema that records cannot be read or written with."""


class Registry:
    """Asks a registry; one that does not answer is asked again for a while.

    Then `Unreachable` is raised, which is not the record's fault; `Denied` where it refuses this
    client.
    """

    def __init__(self, settings: RegistrySettings):
        self.settings = settings
        handlers: list[Any] = [_NoRedirect]
        if settings.url.startswith("https"):
            context = ssl.create_default_context(cafile=settings.cafile)
            handlers.append(urllib.request.HTTPSHandler(context=context))
        self._opener = urllib.request.build_opener(*handlers)

    def ask(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The JSON object at *path*, to which *body* is posted if there is one.

        Raises LookupError if there is none, `BadSchema` if *body* is not taken.
        """
        deadline, pause = time.monotonic() + self.settings.retry_seconds, 0.1
        while True:
            try:
                return self._once(path, body)
            except _TryAgain as error:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Unreachable(
                        f"the schema registry {self.settings.url} does not answer ({error}); "
                        "start it or correct format.registry, then start this run again: it "
                        "goes on where it ended"
                    ) from None
                log.warning("schema registry: %s; trying again", error)
                time.sleep(min(pause, left))
                pause = min(2 * pause, 5.0)

    def references(self, answer: Mapping[str, Any], query: str = "") -> "Iterator[Reference]":
        """The schemas that one refers to, each after those that it refers to itself."""
        yield from self._references(answer, query, set())

    def _references(
        self, answer: Mapping[str, Any], query: str, seen: set[tuple[str, int]]
    ) -> "Iterator[Reference]":
        for reference in answer.get("references") or ():
            place = str(reference["subject"]), int(reference["version"])
            if place in seen:
                continue
            seen.add(place)
            if len(seen) > MAX_REFERENCES:
                raise BadSchema(f"it refers to more than {MAX_REFERENCES} other schemas")
            other = self.ask(f"subjects/{quoted(place[0])}/versions/{place[1]}{query}")
            yield from self._references(other, query, seen)
            yield Reference(str(reference.get("name", "")), other)

    def _once(self, path: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        url = f"{self.settings.url.rstrip('/')}/{path}"
        request = urllib.request.Request(url)
        request.add_header("Accept", f"{JSON}, application/json")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", JSON)
        if self.settings.password is not None:
            pair = f"{self.settings.username}:{self.settings.password.reveal()}"
            word = base64.b64encode(pair.encode()).decode()
            request.add_unredirected_header("Authorization", f"Basic {word}")
        try:
            with self._opener.open(request, timeout=self.settings.timeout_seconds) as response:
                data = response.read(MAX_ANSWER + 1)
        except urllib.error.HTTPError as error:
            raise self._failure(error, body is not None) from None
        except OSError as error:  # refused, timed out, TLS
            raise _TryAgain(str(getattr(error, "reason", error))) from None
        except Exception as error:  # http.client has exceptions of its own
            raise _TryAgain(type(error).__name__) from None
        if len(data) > MAX_ANSWER:
            raise BadSchema(f"the answer is longer than {MAX_ANSWER} bytes")
        answer = _parsed(data)
        if not isinstance(answer, dict):
            raise _TryAgain("the answer is not a JSON object")
        return answer

    def _failure(self, error: urllib.error.HTTPError, is_post: bool) -> Exception:
        try:
            answer = _parsed(error.read(MAX_ANSWER))
        except Exception:  # the connection broke while it was read
            answer = None
        finally:
            error.close()
        if error.code == 404:
            return LookupError("the registry does not know it")
        if error.code in REFUSED:
            return Denied(
                f"the schema registry {self.settings.url} refuses this client (status "
                f"{error.code}); correct username and password_file"
            )
        if is_post and error.code in REJECTED:
            said = answer.get("message", "") if isinstance(answer, dict) else ""
            reason = "".join(c for c in str(said)[:MAX_REASON] if c.isprintable())
            return BadSchema(f"the registry does not take it (status {error.code}): {reason}")
        return _TryAgain(f"status {error.code}")


class Reference(NamedTuple):
    """A schema that another one refers to by *name*, and the registry's answer about it."""

    name: str
    answer: Mapping[str, Any]


class ByNumber(Generic[Use]):
    """What *make* makes of the schemas, each asked for once: what a number means never changes.

    A number that the registry does not know, or of a schema that cannot be used, is the
    record's fault: it raises *bad*.
    """

    def __init__(self, make: Callable[[int], Use], bad: type[BadMessage]):
        self._make, self._bad = make, bad
        self._made: dict[int, Use] = {}
        self._useless: dict[int, tuple[str, float]] = {}  # why, and until when to believe it

    def __call__(self, raw: bytes) -> Use:
        """By the number in front of a message."""
        if len(raw) < PREFIX.size or raw[0] != 0:
            raise self._bad("not in the registry's wire format: no zero and schema number in front")
        return self.get(PREFIX.unpack_from(raw)[1])

    def get(self, number: int) -> Use:
        """By the *number*; raises *bad*; `SourceError` where the registry is silent for long."""
        if number in self._made:
            return self._made[number]
        why, until = self._useless.get(number, ("", 0.0))
        if time.monotonic() >= until:
            try:
                self._made[number] = self._make(number)
                return self._made[number]
            except (LookupError, BadSchema) as error:
                why = f"schema {number}: {error.args[0]}"
            except Unreachable as error:  # the end of the run, not a broker that is waited for
                raise SourceError(str(error)) from None
            if len(self._useless) >= MAX_USELESS:
                self._useless.clear()
            self._useless[number] = why, time.monotonic() + USELESS_SECONDS
        raise self._bad(why)


def quoted(subject: str) -> str:
    """The name of a subject inside a path."""
    return urllib.parse.quote(subject, safe="")


class _TryAgain(Exception):
    """The registry has not given an answer."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A registry does not redirect; one that does could take the credentials elsewhere."""

    def redirect_request(self, *_arguments: Any, **_options: Any) -> None:
        return None


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None
