"""``run --check`` finds what ``run`` would, and a run does not read what it writes."""

import json
import logging
import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stream_rnn.assembly.check import check
from stream_rnn.assembly.service import service
from stream_rnn.cli.app import app
from stream_rnn.config import load, parse
from stream_rnn.errors import ConfigError

TOML = """
source = {type = "file", path = "data/in.jsonl"}
sink = {type = "file", path = "out/out.jsonl"}
features = {target = "load"}
estimator = {type = "regressor", cell = {type = "LSTM", units = 2}}
metrics = {enabled = false}
"""
KAFKA = """
source = {type = "kafka", bootstrap = "b:9092", topic = "in"}
sink = {type = "kafka", topic = "out"}
features = {target = "load"}
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    Path("out").mkdir()
    row = {"u": 1.0, "load": 2.0, "load_copy": 2.0}
    Path("data/in.jsonl").write_text(f"{json.dumps(row)}\n" * 20)
    Path("p.toml").write_text(TOML)


def test_a_good_one_is_ok():
    assert check(parse(TOML)) == []


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("source.path='data/no.jsonl'", "source: no file at 'data/no.jsonl'"),
        ("features.target='Load'", "target = 'Load': none of the first 20 .* did you mean 'load'"),
        ("key='sensor'", "key = 'sensor': none of the first 20 records has such a field"),
        ("sink.path='data/in.jsonl'", r"sink writes to what source reads \(data/in.jsonl\)"),
        ("source.path='${DATA}/in.jsonl'", "STREAM_RNN__SOURCE__PATH"),
        ("run.delivery='exactly-once'", "is for a Kafka source with a Kafka sink"),
        ("estimator.cell.units=0", "units"),
        ("run.copy=['id', 'prediction']", r"run\.copy names 'prediction'.*under another name"),
        ("run.copy=['target']", r"run\.copy names 'target'"),
        ("run={copy=['offset'], origin=true}", r"run\.copy names 'offset'"),
        ("labels.key='prediction'", r"labels\.key names 'prediction'"),
    ],
)
def test_what_run_would_refuse_is_refused(override, message):
    with pytest.raises(ConfigError, match=message):
        check(parse(TOML, [override]))
    result = CliRunner().invoke(app, ["run", "p.toml", "--check", "--set", override])
    assert isinstance(result.exception, ConfigError)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["metrics.enabled=true"], "need http.token_file"),
        (["metrics.enabled=true", "http.token_file='no'"], "http.token_file = 'no': No such file"),
        (["http.token_file='token'"], "metrics.enabled = false: http.predict"),
    ],
)
def test_what_the_server_would_refuse_is_refused_before_it_listens(settings, message):
    more = [word for setting in [*settings, "http.predict=true"] for word in ("--set", setting)]
    result = CliRunner().invoke(app, ["run", "p.toml", "--check", *more])
    assert re.search(message, str(result.exception))
    assert isinstance(result.exception, ConfigError)


def test_delivery_is_checked_without_a_broker():
    with pytest.raises(ConfigError, match=r"needs \[checkpoint\]"):
        check(parse(KAFKA))
    elsewhere = ["sink.bootstrap='other:1'", "checkpoint.url='c'"]
    with pytest.raises(ConfigError, match=r"sink\.bootstrap = 'other:1' differs from .*span"):
        check(parse(KAFKA, elsewhere))
    check(parse(KAFKA, [*elsewhere, "run.delivery='at-least-once'"]))


@pytest.mark.parametrize("sink", ["data/in.jsonl", "link.jsonl", "hard.jsonl", "data/new.jsonl"])
@pytest.mark.parametrize("source", ["data/in.jsonl", "data", "data/*.jsonl", "alias", "alias/*"])
def test_a_sink_is_never_its_source_whatever_the_names(sink, source):
    os.symlink("data", "alias")
    os.symlink("data/in.jsonl", "link.jsonl")
    os.link("data/in.jsonl", "hard.jsonl")
    overrides = [f"source.path='{source}'", f"sink.path='{sink}'"]
    one_file = source == "data/in.jsonl"
    if one_file and sink == "data/new.jsonl":
        check(parse(TOML, overrides))
    elif one_file or sink != "hard.jsonl":  # another name of a file is found by the file alone
        with pytest.raises(ConfigError, match="sink writes to what source reads"):
            service(parse(TOML, overrides))


def test_neither_are_dead_letters_nor_topics():
    letters = "dead_letter={type='file', path='out/out.jsonl'}"
    with pytest.raises(ConfigError, match="dead_letter writes to the sink's own place"):
        check(parse(TOML, [letters]))
    with pytest.raises(ConfigError, match=r"sink writes to what source reads \(in\)"):
        service(parse(KAFKA, ["sink.topic='in'", "sink.bootstrap='a:1,B:9092'"]))
    labels = ["labels={key='id', topic='told'}", "sink.topic='told'"]
    with pytest.raises(ConfigError, match=r"sink writes to what labels\.topic reads \(told\)"):
        service(parse(KAFKA, [*labels, "run.delivery='at-least-once'"]))
    service(parse(TOML, ["sink.path='data2/in.jsonl'"])).close()


@pytest.mark.parametrize("place", ["features.exclude", "features.include", "run.copy"])
def test_a_name_that_no_record_has_is_said(place, caplog):
    config = parse(TOML, [f"{place}=['u', 'Load_copy']"])
    [line] = check(config)
    assert line.startswith(f"{place} names 'Load_copy', which none of the first 20 records has")
    assert line.endswith("did you mean 'load_copy'?")
    with caplog.at_level(logging.WARNING):
        line = service(config)
        line.run()
        line.close()
    assert f"{place} names 'Load_copy'" in caplog.text


def test_the_environment_comes_between_the_file_and_the_command(monkeypatch):
    monkeypatch.setenv("STREAM_RNN__SINK__PATH", "env.jsonl")
    monkeypatch.setenv("STREAM_RNN__RUN__BATCH_RECORDS", "7")
    config = load("p.toml", ["run.batch_records=9"])
    assert config.sink.path == "env.jsonl"
    assert config.run.batch_records == 9


def test_the_schema_is_json_schema_of_every_field():
    result = CliRunner().invoke(app, ["config", "schema"])
    assert result.exit_code == 0, result.output
    schema = json.loads(result.output)
    tables = schema["$defs"]
    assert {"path", "follow", "type"} <= set(tables["FileSource"]["properties"])
    assert tables["Run"]["properties"]["batch_records"]["minimum"] == 1
    assert tables["FileSource"]["additionalProperties"] is False
