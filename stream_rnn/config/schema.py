"""The configuration of a pipeline, field by field.

A field that is not listed here is refused; so is a value of another type.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from ..features.paths import JOINT

Positive = Annotated[int, Meta(ge=1)]
Natural = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(gt=0)]
Ratio = Annotated[float, Meta(ge=0, le=1)]
Port = Annotated[int, Meta(ge=0, le=65535)]
Format = Literal["jsonl", "csv", "text"]


class _Table(Struct, forbid_unknown_fields=True, omit_defaults=True): ...


# -- sources -----------------------------------------------------------------------------


class _Dialect(_Table):
    """What a CSV file is made of; what is not given is found in its first lines."""

    delimiter: str | None = None  # of CSV, found if not given; " " is any number of spaces
    quote: str | None = None  # around cells, found if not given
    decimal: Literal[".", ","] | None = None  # the decimal mark, found if not given
    thousands: Literal["", ",", ".", " ", "'"] | None = None  # groups them, found if not given
    comment: str | None = None  # lines that begin so are left out, found if not given
    skip_lines: Natural | None = None  # before the header, found if not given
    header_rows: Natural | None = None  # 0 for none, found if not given
    in_comment: bool | None = None  # the header stands in a comment, found if not given
    trailing: bool | None = None  # rows end with a delimiter too many, found if not given
    row_names: bool | None = None  # the first column has no name, found if not given
    padded: bool | None = None  # spaces around cells do not count, found if not given
    encoding: str | None = None  # "utf-8" or such as "cp1252", found if not given
    units: list[str] | None = None  # at numbers, such as ["kW", "%", "$"], found if not given
    escape: Literal["", "\\"] | None = None  # before a quote within a cell, found if not given


class FileSource(_Dialect, tag="file", kw_only=True):
    """A CSV, JSONL or text file, plain or compressed; with ``follow`` like ``tail -F``."""

    path: str | list[str]  # a file, a folder, a pattern, or several
    format: Format | None = None  # from the name if not given
    follow: bool = False  # wait for what is appended
    columns: list[str] | None = None  # of a CSV file without a header
    max_record_bytes: Positive = 1 << 20  # a longer record is refused


class StdinSource(_Dialect, tag="stdin", kw_only=True):
    """Standard input, which cannot be read twice: a run that resumes takes what comes next."""

    format: Format = "jsonl"
    columns: list[str] | None = None
    max_record_bytes: Positive = 1 << 20  # a longer record is refused


class HttpSource(_Table, tag="http"):
    """Records that are posted to ``/learn``, at the address of `metrics`; see docs/http.md."""

    max_waiting: Positive = 10_000  # records; beyond it requests are answered with 503
    max_record_bytes: Positive = 1 << 20  # a longer record is refused


class KafkaConnection(_Table):
    """How to reach the brokers; secrets come from files or from the environment."""

    bootstrap: str | None = None  # or KAFKA_BOOTSTRAP in the environment
    protocol: Literal["PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT"] | None = None  # PLAINTEXT
    mechanism: (
        Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", "OAUTHBEARER", "GSSAPI"] | None
    ) = None  # SCRAM-SHA-512 if not given; GSSAPI is Kerberos
    username: str | None = None
    username_file: str | None = None
    password_file: str | None = None  # or KAFKA_PASSWORD in the environment
    cafile: str | None = None  # of the authority that signed the brokers' certificates
    certfile: str | None = None
    keyfile: str | None = None
    key_password_file: str | None = None
    token_file: str | None = None  # of OAUTHBEARER; read again for every new token
    kerberos_service: str | None = None  # of GSSAPI; "kafka" if not given: kafka/host@REALM
    kerberos_domain: str | None = None  # where it is not the broker's address; kafka-python only
    client: Literal["kafka-python", "confluent"] | None = None  # confluent where it is installed
    client_id: str | None = None
    client_settings: dict[str, Any] | None = None  # passed on to that client, in its words


class JsonFormat(_Table, tag="json"):
    """Messages are JSON objects; so are results."""


class RegistryConnection(_Table):
    """How to reach a schema registry."""

    registry: str | None = None  # its address; a message begins with the number of its schema
    username: str | None = None
    username_file: str | None = None
    password_file: str | None = None  # or SCHEMA_REGISTRY_PASSWORD in the environment
    cafile: str | None = None
    timeout_seconds: Seconds = 5.0
    retry_seconds: Seconds = 30.0  # a registry that is silent for so long ends the run


class AvroFormat(RegistryConnection, tag="avro"):
    """Messages are Avro records, of the schemas in a registry or of one schema file."""

    schema: str | None = None  # an .avsc file; a message is a record and nothing else


class ProtobufFormat(RegistryConnection, tag="protobuf"):
    """Messages are Protobuf, of the schemas in a registry or of one descriptor file."""

    descriptor: str | None = None  # of protoc --include_imports --descriptor_set_out
    message: str | None = None  # of the descriptor, by its full name, if it has several


class KafkaSource(KafkaConnection, tag="kafka", kw_only=True):
    """Topics of records; ``"^orders-.*"`` is a pattern, and what matches it later is read too."""

    topic: str | list[str]  # by name, by pattern, or several of them
    group: str | None = None  # of the consumers; by default named after run.name
    instance: str | None = None  # a static member of the group
    cooperative: bool = False  # rebalance only the partitions that move
    session_seconds: Seconds = 45.0  # silent for so long, a member is out of the group
    start: Literal["earliest", "latest"] = "earliest"  # where a new group begins
    max_record_bytes: Positive = 1 << 20  # a longer record is refused
    stop_at_end: bool = False  # finish at the offsets that were last when the run began
    wait: float | str = "5m"  # for brokers that are not there at the start; then exit status 5
    format: JsonFormat | AvroFormat | ProtobufFormat = field(default_factory=JsonFormat)
    tombstones: Literal["skip", "forget"] = "skip"  # "forget": one deletes what is known of its key


Source = FileSource | StdinSource | HttpSource | KafkaSource


# -- sinks -------------------------------------------------------------------------------


class FileSink(_Table, tag="file"):
    """A JSONL, CSV or Avro file."""

    path: str
    format: Literal["jsonl", "csv", "avro"] | None = None  # from the name if not given


class StdoutSink(_Table, tag="stdout"):
    """Standard output, as JSON lines."""


class AvroResults(RegistryConnection, tag="avro"):
    """Results are Avro records, of a schema in a registry or without its number in front."""

    schema: str | None = None  # an .avsc file, which selects fields; made for the estimator if not
    subject: str | None = None  # in the registry; by default the topic's name and "-value"
    register: bool = True  # the schema if it is not there; else it must be


class KafkaSink(KafkaConnection, tag="kafka", kw_only=True):
    """A topic; a result becomes one message."""

    topic: str
    key: str | None = None  # the field of a result that is its message's key
    max_message_bytes: Positive = 1_048_576  # a longer result becomes a dead letter
    format: JsonFormat | AvroResults = field(default_factory=JsonFormat)  # of results
    max_letter_bytes: Positive = 1_000_000  # of a longer dead letter only the first are kept
    wait: float | str = "5m"  # for brokers that are not there at the start; then exit status 5


Sink = FileSink | StdoutSink | KafkaSink


# -- between them ------------------------------------------------------------------------


class Features(_Table):
    """What of a record is predicted, and what from."""

    target: str | list[str] | None = None  # what is predicted; several make a multitarget
    include: list[str] | None = None  # the only fields that are features; by default all
    exclude: list[str] = field(default_factory=list)  # fields that are none
    timestamp: str | list[str] | None = None  # the field of the time; two: a day, a time of day
    calendar: list[str] | None = None  # "day", "week", "year"; both first if it has no other use
    lags: dict[str, list[Positive]] = field(default_factory=dict)  # values so many records before
    missing_target: Literal["refuse", "advance"] = "refuse"  # or go on without learning
    missing: list[str] | None = None  # what a missing value is written as, instead of NA, -, …
    sentinels: list[float] = field(default_factory=list)  # numbers that are missing, as -999
    categorical: dict[str, Literal["indicators", "statistics", "hash", "leave"]] = field(
        default_factory=dict
    )  # fields whose values are names, and how they are taken; text is found to be so
    day_first: bool | Literal["year"] | None = None  # of 01/02/2024; "year" of 24-01-02; else found
    max_features: Positive = 2_000  # beyond it a record with a new feature is refused
    max_classes: Positive = 1_000  # beyond it a record of a new class is refused

    @property
    def time(self) -> str | None:
        """The field of the time; of two one path, see `features.paths`."""
        return JOINT.join(self.timestamp) if isinstance(self.timestamp, list) else self.timestamp


class Sequence(_Table):
    """Which records make one sequence, for the estimators that read whole ones."""

    by: str | None = None  # field that says whose a record is; sequences of many may be mixed
    end: str | None = None  # field that is true in the last record of a sequence
    gap: float | str | None = None  # of silence that ends one, seconds or "10m"; features.timestamp
    length: Positive = 10_000  # records of the longest one
    max_open: Positive = 10_000  # beyond it the one that was silent for the longest ends
    at_end: Literal["keep", "learn"] = "keep"  # what becomes of open ones when a file has ended


class Labels(_Table):
    """Targets that come later, in records of their own; in the same stream if nothing is said."""

    key: str  # the field that joins a label and its record
    topic: str | None = None  # of Kafka, with as many partitions as the source's
    source: FileSource | None = None
    within: float | str | None = None  # seconds, or such as "10m": later labels are too late
    time: str | None = None  # the field with the time; by default Kafka's timestamp
    max_pending: Positive = 10_000  # records that wait at most


class Checkpoint(_Table):
    """Where and how often the state is saved."""

    url: str  # a directory, or an fsspec URL
    keep: Positive = 3  # the newest so many
    every_records: Positive = 100_000
    every_seconds: Seconds = 30.0
    lost_position: Literal["stop", "skip"] = "stop"  # what is next, or was written, is gone
    on_failure: Literal["continue", "stop"] = "continue"  # when one cannot be written


class Metrics(_Table):
    """The Prometheus endpoint."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: Port = 9108  # 0 takes a free one
    certfile: str | None = None
    keyfile: str | None = None
    client_cafile: str | None = None  # only clients with a certificate of it may read


class Http(_Table):
    """What else is answered at the address of `metrics`: the page, and questions."""

    page: bool | None = None  # by default if metrics.host is this machine: it shows data
    most_behind: Positive = 10_000  # records; farther behind, /readyz is 503
    predict: bool = False  # answer POST /predict
    checkpoint: bool = False  # answer GET /checkpoint with the newest
    token_file: str | None = None  # a file with the secret that these and POST /learn need
    max_requests: Positive = 2000  # a second, of all clients together
    max_records: Positive = 100  # in one request
    max_body_bytes: Positive = 1 << 20


class Run(_Table):
    """The service itself."""

    name: str = "default"  # the label `learner` of the model's metrics
    copy: list[str] = field(default_factory=list)  # fields of a record its result repeats
    origin: bool | None = None  # results say partition and offset; by default from Kafka only
    batch_records: Positive = 1000
    poll_seconds: Seconds = 0.2
    delivery: Literal["exactly-once", "at-least-once"] | None = None  # once from Kafka to Kafka
    transaction_records: Positive = 100  # at least, unless transaction_seconds are over
    transaction_seconds: Seconds = 0.1
    max_dead_letter_ratio: Ratio = 0.5  # above it, within a window, the run ends
    dead_letter_window: Positive = 1000  # records


class Config(_Table, kw_only=True):
    """A whole pipeline."""

    source: Source
    sink: Sink
    key: str | None = None  # field that says whose a record is; "@message_key": Kafka's own
    share: Literal["weights", "nothing"] = "weights"  # what the keys have in common
    max_contexts: Positive = 10_000  # kept in memory; the others are on disk
    max_keys: Positive = 1_000_000  # in all; beyond it a record of a new key is refused
    lookahead: Natural = 0  # records that are seen before one is predicted, so many rows late
    features: Features = field(default_factory=Features)
    estimator: dict[str, Any] = field(default_factory=lambda: {"type": "regressor"})
    drift: dict[str, Any] = field(default_factory=lambda: {"detector": "ADWIN"})
    dead_letter: Sink | None = None
    labels: Labels | None = None
    sequence: Sequence | None = None
    checkpoint: Checkpoint | None = None
    metrics: Metrics = field(default_factory=Metrics)
    http: Http = field(default_factory=Http)
    run: Run = field(default_factory=Run)
