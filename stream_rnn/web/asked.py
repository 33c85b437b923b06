"""What is asked of the server, and what it answers: the bodies, as types."""

from typing import Annotated, Any

import msgspec


class Question(msgspec.Struct, forbid_unknown_fields=True):
    """The body of ``POST /predict``."""

    record: dict[str, Any] | None = None
    records: list[dict[str, Any]] | None = None
    partition: str | None = None  # whose learner is asked, where there are several
    horizon: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1  # steps ahead, of a forecaster
    level: Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)] = 0.9  # of intervals


class Lesson(msgspec.Struct, forbid_unknown_fields=True):
    """The body of ``POST /learn``."""

    record: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    records: list[msgspec.Raw] | None = None
    at: Annotated[int, msgspec.Meta(ge=0)] | None = None  # number of the first, see docs/http.md


class Taken(msgspec.Struct):
    """Records that will be learned."""

    taken: int
    next: int  # number of the record that comes after them


class Answer(msgspec.Struct, omit_defaults=True):
    """The answer: to one record its fields stand beside `learned`, see docs/http.md."""

    learned: int  # records that the parameters come from
    answers: list[dict[str, Any]] | msgspec.UnsetType = msgspec.UNSET  # one for each record
    prediction: Any | msgspec.UnsetType = msgspec.UNSET
    probabilities: dict[str, float] | msgspec.UnsetType = msgspec.UNSET
    forecast: Any | msgspec.UnsetType = msgspec.UNSET  # of the next steps
    lower: Any | msgspec.UnsetType = msgspec.UNSET
    upper: Any | msgspec.UnsetType = msgspec.UNSET
    score: float | msgspec.UnsetType = msgspec.UNSET  # of an anomaly


class Fault(msgspec.Struct, omit_defaults=True):
    """What is wrong, and with which field."""

    message: str
    field: str | None = None


class Problem(msgspec.Struct, omit_defaults=True):
    """The body of every answer that is none."""

    error: Fault
    next: int | msgspec.UnsetType = msgspec.UNSET  # of 409: the number that is expected


class Alive(msgspec.Struct):
    """The body of ``GET /healthz``."""

    alive: bool


class Ready(msgspec.Struct):
    """The body of ``GET /readyz``."""

    ready: bool
    reasons: list[str]
