"""``POST /predict``, ``POST /learn`` and ``GET /checkpoint``: for those who have the token.

A body is JSON: ``{"record": {…}}`` or ``{"records": [{…}, …]}``, each answered as if it came
next.  What is wrong is said as ``{"error": {"field": …, "message": …}}``.
"""

import hmac
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.posted import Full, Misplaced

from ..config.schema import Http
from ..errors import BadRecord, ConfigError
from .answers import Asked
from .asked import Fault, Lesson, Problem, Question, Taken
from .direct import Headers
from .page import check_host, is_known
from .replica import Replica, TooBusy
from .site import Site

Found = tuple[list[dict[str, Any]], int]  # answers, and how many records had been learned
Answer = Callable[..., Awaitable[Found]]
AnswerNow = Callable[..., Found | None]  # None: something has to be waited for
Body = TypeVar("Body", Question, Lesson)

LEAST_TOKEN = 16  # characters
JSON = "application/json"
_ENCODER = msgspec.json.Encoder(enc_hook=str)


class Refused(Exception):
    """A request that is not answered."""

    def __init__(self, status: int, message: str, field: str | None = None, **headers: str):
        super().__init__(message)
        self.status, self.field, self.headers = status, field, headers

    def response(self) -> Response:
        error = {"field": self.field, "message": str(self)}
        body = _ENCODER.encode({"error": {k: v for k, v in error.items() if v is not None}})
        headers = {name.replace("_", "-"): value for name, value in self.headers.items()}
        return Response(body, self.status, headers, JSON)


class Allowance:
    """At most so many requests a second, of all clients together.

    >>> allowance = Allowance(2)
    >>> [allowance.take(now=0.0) for _ in range(3)], allowance.take(now=0.6)
    ([True, True, False], True)
    """

    def __init__(self, most: int):
        self.most, self._left, self._at = most, float(most), 0.0

    def take(self, now: float) -> bool:
        """Whether one more is within it."""
        self._left = min(self.most, self._left + (now - self._at) * self.most)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True

    def give_back(self) -> None:
        """One that was taken."""
        self._left += 1.0


def token_of(http: Http) -> bytes:
    """The secret in ``http.token_file``; raises `ConfigError`."""
    if http.token_file is None:
        raise ConfigError(
            "http.predict, http.checkpoint and source.type = 'http' need http.token_file: name a "
            "file with a secret of 16 characters or more"
        )
    try:
        token = Path(http.token_file).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not plain text"
        raise ConfigError(f"http.token_file = {http.token_file!r}: {reason}") from None
    if len(token) < LEAST_TOKEN:
        raise ConfigError(
            f"http.token_file = {http.token_file!r}: holds {len(token)} characters; "
            f"{LEAST_TOKEN} or more are needed, such as those of: openssl rand -hex 16"
        )
    return token.encode()


class Asking:
    """What requests have to pass, and what answers them.

    *answer* says what the learner of a partition predicts for records, and how many it has
    learned; by default its replica in this process does.  *now* says the same where nothing has
    to be waited for.
    """

    def __init__(self, site: Site, answer: Answer | None = None, now: AnswerNow = lambda *_: None):
        self.site, self.http, self._token = site, site.http, token_of(site.http)
        self._allowance = Allowance(self.http.max_requests)
        self._answer, self._now = answer or self._here, now
        self._proof = b"Bearer " + self._token

    def routes(self) -> list[Route]:
        """Those that are switched on."""
        found = []
        if self.http.predict:
            found.append(Route("/predict", self.predict, methods=["POST"]))
        if self.site.learns:
            found.append(Route("/learn", self.learn, methods=["POST"]))
        if self.http.checkpoint:
            found.append(Route("/checkpoint", self.checkpoint))
        return found

    async def predict(self, request: Request) -> Response:
        try:
            self._admit(request)
            question = _parsed(await self._body(request), Question)
            records = self._one_or_several(question.record, question.records)
            asked = Asked(question.horizon, question.level)
            answers, upto = await self._answer(question.partition, records, asked)
        except Refused as refused:
            return refused.response()
        except BadRecord as bad:
            return Refused(422, str(bad), "record").response()
        except TooBusy as busy:
            return Refused(503, str(busy), Retry_After="1").response()
        return Response(_told(question, answers, upto), media_type=JSON)

    def at_once(self, headers: Headers, body: bytes) -> bytes | None:
        """What `predict` would answer, if that needs no waiting; None for all that is wrong."""
        given = dict(headers)
        if (
            len(given) < len(headers)  # some name stands there twice
            or not hmac.compare_digest(given.get(b"authorization", b""), self._proof)
            or not is_known(self.site.is_local, given.get(b"host", b"").decode("latin-1"))
            or len(body) > self.http.max_body_bytes
            or not self._allowance.take(time.monotonic())
        ):
            return None
        try:
            question = _parsed(body, Question)
            records = self._one_or_several(question.record, question.records)
            found = self._now(question.partition, records, Asked(question.horizon, question.level))
        except Exception:  # the other way says which
            found = None
        if found is None:
            self._allowance.give_back()
            return None
        return _told(question, *found)

    async def learn(self, request: Request) -> Response:
        try:
            self._admit(request)
            lesson = _parsed(await self._body(request), Lesson)
            raws = self._one_or_several(
                None if lesson.record is msgspec.UNSET else lesson.record, lesson.records
            )
            if (posted := self.site.posted) is None:
                raise Refused(503, "nothing is being learned yet", Retry_After="1")
            following = posted.offer([bytes(raw) for raw in raws], lesson.at)
        except Refused as refused:
            return refused.response()
        except Misplaced as error:
            problem = Problem(Fault(str(error), "at"), error.expected)
            return Response(_ENCODER.encode(problem), 409, media_type=JSON)
        except Full:
            return Refused(503, "source.max_waiting records wait", Retry_After="1").response()
        return Response(_ENCODER.encode(Taken(len(raws), following)), 202, media_type=JSON)

    async def checkpoint(self, request: Request) -> Response:
        import anyio.to_thread

        try:
            self._admit(request)
            store = find(self.site.replicas, request.query_params.get("partition")).store
            newest = None if store is None else await anyio.to_thread.run_sync(store.newest_file)
            if newest is None:
                raise Refused(404, "there is no checkpoint")
        except Refused as refused:
            return refused.response()
        name, body = newest
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(body, headers=headers, media_type="application/octet-stream")

    async def _here(self, partition: str | None, records: list[Any], asked: Asked) -> Any:
        return await find(self.site.replicas, partition).answer(records, asked)

    def refusal(self, request: Request) -> Response | None:
        """The answer to a request that is not let in."""
        try:
            self._admit(request)
        except Refused as refused:
            return refused.response()
        return None

    def _admit(self, request: Request) -> None:
        check_host(self.site, request)
        if not self._allowance.take(time.monotonic()):
            raise Refused(429, f"more than http.max_requests = {self.http.max_requests} a second",
                          Retry_After="1")  # fmt: skip
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        right = hmac.compare_digest(given.strip().encode(), self._token)
        if scheme.lower() != "bearer" or not right:
            raise Refused(401, "give the token: Authorization: Bearer …", WWW_Authenticate="Bearer")

    async def _body(self, request: Request) -> bytes:
        most = self.http.max_body_bytes
        length = request.headers.get("content-length", "")
        parts, size = [], int(length) if length.isdigit() else 0
        if size <= most:
            size = 0
            async for part in request.stream():
                parts.append(part)
                size += len(part)
                if size > most:
                    break
        if size > most:
            raise Refused(413, f"the body is longer than http.max_body_bytes = {most}",
                          Connection="close")  # fmt: skip
        return b"".join(parts)

    def _one_or_several(self, record: Any, records: list[Any] | None) -> list[Any]:
        if (record is None) == (records is None):
            raise Refused(400, "give one of record and records", "record")
        if records is None:
            return [record]
        if len(records) > self.http.max_records:
            raise Refused(
                413,
                f"{len(records)} records; http.max_records = {self.http.max_records} at once",
                "records",
            )
        return records


def find(replicas: Mapping[str, Replica], partition: str | None) -> Replica:
    """That of *partition*, None where there is only one; raises `Refused`."""
    if partition is None and len(replicas) == 1:
        return next(iter(replicas.values()))
    if not replicas:
        raise Refused(503, "nothing is being learned yet", Retry_After="1")
    if partition is None or partition not in replicas:
        names = ", ".join(sorted(replicas))
        if not names:
            raise Refused(400, "this process has one learner; leave partition out", "partition")
        raise Refused(400, f"this process has {names}; say which", "partition")
    return replicas[partition]


def _told(question: Question, answers: list[dict[str, Any]], learned: int) -> bytes:
    found: dict[str, Any] = {"learned": learned}
    found |= {"answers": answers} if question.record is None else answers[0]
    return _ENCODER.encode(found)


def _parsed(body: bytes, kind: type[Body]) -> Body:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        found = re.fullmatch(r"(.*) - at `\$\.?(.*)`", str(error))
        message, field = (found[1], found[2]) if found else (str(error), None)
        raise Refused(400, message.replace("`", ""), field) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(400, f"not JSON: {error}") from None
