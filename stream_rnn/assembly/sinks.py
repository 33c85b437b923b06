"""Where results and dead letters go, from a checked configuration, and as what."""

import logging
from typing import Any

from connectors.base import Sink
from connectors.json_rows import Encode, encode_each
from connectors.state import Dependency

from ..config import schema
from .dependencies import Surroundings
from .parts import connection, options
from .results import file_format, needs_schema, result_schema

log = logging.getLogger(__name__)

WITHOUT_LETTERS = "no [dead_letter] is configured: refused records are only logged and counted"


def encoder(config: schema.Config) -> Encode:
    """What makes messages of results; raises ValueError, ImportError, or what a registry does."""
    table = config.sink
    if not isinstance(table, schema.KafkaSink) or isinstance(table.format, schema.JsonFormat):
        return encode_each
    from connectors.avro.encoders import avro_rows

    return avro_rows(options(table.format), table.topic, lambda: result_schema(config))


def open_results(config: schema.Config, dependency: Dependency | None = None) -> Sink:
    """The sink of the results."""
    table = config.sink
    if isinstance(table, schema.FileSink) and needs_schema(table):
        from connectors.files.avro_sink import AvroSink

        return AvroSink(table.path, result_schema(config))
    return open_sink(table, dependency, encode=encoder(config))


def open_sink(
    table: schema.Sink,
    dependency: Dependency | None = None,
    dead_letters: bool = False,
    encode: Encode = encode_each,
) -> Sink:
    """The sink that *table* describes; *dependency* is told whether it is there."""
    if isinstance(table, schema.KafkaSink):
        from connectors.kafka.settings import KafkaSettings
        from connectors.kafka.sink import KafkaSink

        settings = KafkaSettings.from_options(connection(table))
        return KafkaSink(
            *(settings, table.topic),
            key=table.key,
            dead_letters=dead_letters,
            letter_bytes=table.max_letter_bytes,
            dependency=dependency,
            message_bytes=table.max_message_bytes,
            encode=encode,
        )
    if isinstance(table, schema.FileSink):
        from connectors.files.csv_sink import CsvSink
        from connectors.files.json_sink import JsonLinesSink

        form = table.format or ("jsonl" if dead_letters else file_format(table))
        kinds: dict[str, Any] = {"jsonl": JsonLinesSink, "csv": CsvSink}
        if form not in kinds:
            what = "letters are written as jsonl or csv"
            if not dead_letters:
                what = "results are written as jsonl, csv or avro"
            raise ValueError(f"path = {table.path!r}: {what}")
        return kinds[form](table.path)
    if isinstance(table, schema.StdoutSink):
        from connectors.stdio import StdoutSink

        return StdoutSink()
    return table.open()  # of another package, see `plugins`


def open_refused(config: schema.Config, around: Surroundings) -> Sink | None:
    """Where dead letters go; beside the results' file unless something else is said."""
    table = config.dead_letter
    if table is None and isinstance(config.sink, schema.FileSink):
        table = schema.FileSink(path=f"{config.sink.path}.refused.jsonl")
    if table is None:
        log.warning(WITHOUT_LETTERS)
        return None
    return around.reach("dead_letter", table, lambda told: open_sink(table, told, True))
