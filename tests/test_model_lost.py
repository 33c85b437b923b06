"""A model outlives its place in the stream, and changes that do not touch what it knows."""

import json
import logging
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from connectors.base import Record, SourceError
from stream_rnn.assembly.parts import task
from stream_rnn.assembly.service import service
from stream_rnn.checkpoints.file import decode, encode
from stream_rnn.checkpoints.manage import AWAY, chosen, entries, rollback
from stream_rnn.checkpoints.segments import check_segments
from stream_rnn.checkpoints.store import Store
from stream_rnn.cli.app import app
from stream_rnn.config import parse
from stream_rnn.errors import CheckpointError
from stream_rnn.estimators.described import PARAMETERS
from stream_rnn.metrics import Metrics
from stream_rnn.service.identity import Identity, split

TOML = """
source = {type = "file", path = "events.jsonl"}
sink = {type = "file", path = "out.jsonl"}
features = {target = "load"}
estimator = {type = "regressor", cell = {type = "LSTM", units = 2}}
metrics = {enabled = false}
checkpoint = {url = "checkpoints"}
"""
CALL = CliRunner()


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(path, first, count, **more):
    with open(path, "a") as file:
        for n in range(first, first + count):
            file.write(json.dumps({"u": n % 5, "load": float(n % 3), **more}) + "\n")


def lines(path):
    return Path(path).read_text().splitlines()


def run(*overrides, observers=()):
    line = service(parse(TOML, overrides), observers)
    try:
        return dict(line.run())
    finally:
        line.close()


def learned():
    """How often the newest checkpoint's network has learned."""
    return Store("checkpoints").load_newest().manifest["counters"]["learned"]


BEARABLE = [
    'features.exclude=["firmware"]',
    'features.include=["u"]',
    'features.missing_target="advance"',
    "features.lags={load=[1]}",
    'run.copy=["u"]',
    "run.batch_records=3",
    "checkpoint.every_records=5",
]


@pytest.mark.parametrize("override", BEARABLE)
def test_what_the_estimator_can_bear_continues_and_is_said(override, caplog):
    write("events.jsonl", 0, 30)
    run()
    write("events.jsonl", 30, 10, firmware="v2" if "clude" in override else 1.0)
    with caplog.at_level(logging.INFO):
        counters = run(override)
    assert counters == {"consumed": 40, "predicted": 40, "learned": 40, "refused": 0}
    name = override.partition("=")[0]
    if "batch" not in name and "checkpoint" not in name:
        assert f"{name.partition('.load')[0]} was" in caplog.text


@pytest.mark.parametrize("override", ["features.target='u'", "estimator.cell.units=3"])
def test_what_changes_the_meaning_of_the_weights_is_refused(override):
    write("events.jsonl", 0, 5)
    run()
    with pytest.raises(CheckpointError, match="are of another stream"):
        run(override)


def test_another_sink_begins_where_the_stream_is(caplog):
    write("events.jsonl", 0, 30)
    run()
    write("events.jsonl", 30, 10)
    run('sink.path="more.jsonl"')
    assert len(lines("out.jsonl")) == 30
    assert len(lines("more.jsonl")) == 10
    assert "sink was" in caplog.text


def test_another_source_is_read_from_its_beginning_with_the_model_as_it_is(caplog):
    write("events.jsonl", 0, 30)
    run()
    write("new.jsonl", 0, 10)
    run('source.path="new.jsonl"')
    assert learned() == 40
    assert "source was" in caplog.text
    assert len(lines("out.jsonl")) == 40
    write("new.jsonl", 10, 5)
    run('source.path="new.jsonl"')
    assert learned() == 45


def test_a_lost_position_is_skipped_when_that_is_said_and_counted(caplog):
    write("events.jsonl", 0, 30)
    run()
    os.remove("events.jsonl")  # a log that was rotated away
    write("events.jsonl", 100, 12)
    with pytest.raises(SourceError, match=r"set checkpoint.lost_position = 'skip'"):
        run()
    metrics = Metrics()
    run("checkpoint.lost_position='skip'", observers=(metrics,))
    assert learned() == 42
    assert "the model is kept" in caplog.text
    assert "stream_rnn_source_gaps_total 1.0" in metrics.text()
    run()  # and the next run goes on from there
    assert learned() == 42


def test_checkpoints_of_0_1_0_continue():
    """They said include, exclude and copy among what must not change."""
    write("events.jsonl", 0, 20)
    run()
    store = Store("checkpoints")
    found = store.load_newest()
    model = found.manifest["identity"]
    target = model.pop("target")
    old = {**model, "features": {"target": target}, "copy": []}
    manifest = {**found.manifest, "identity": old}
    for new in ("settings", "places"):
        del manifest[new]
    store.save(manifest, found.arrays)
    write("events.jsonl", 20, 5)
    assert run("features.exclude=['firmware']")["learned"] == 25


# -- what a person does ------------------------------------------------------------------------


def test_list_rollback_fork_and_export():
    write("events.jsonl", 0, 40)
    run("run.batch_records=10", "checkpoint.every_records=10", "checkpoint.keep=9")
    whole = lines("out.jsonl")
    found = list(entries(Store("checkpoints")))
    assert [entry.records for entry in found][-4:] == [20, 30, 40, 40]
    result = CALL.invoke(app, ["checkpoint", "list", "checkpoints"])
    assert result.exit_code == 0
    assert "20 records" in result.output

    name = next(entry.name for entry in found if entry.records == 20)
    result = CALL.invoke(app, ["checkpoint", "fork", "checkpoints", "branch", "--name", name])
    assert result.exit_code == 0, result.output
    write("other.jsonl", 0, 5)
    options = ['checkpoint.url="branch"', 'source.path="other.jsonl"', 'sink.path="b.jsonl"']
    assert run(*options)["consumed"] == 5
    first = json.loads(lines("b.jsonl")[0])
    assert first["prediction"] != 0.0  # it had learned before

    result = CALL.invoke(app, ["checkpoint", "export", "checkpoints", "model.safetensors"])
    assert result.exit_code == 0
    kept = decode(Path("model.safetensors").read_bytes())
    assert kept.manifest["position"] is None

    result = CALL.invoke(app, ["checkpoint", "rollback", "checkpoints", name])
    assert result.exit_code == 0
    assert Store("checkpoints").list()[-1] == name
    assert any(n.startswith(AWAY) for n in os.listdir("checkpoints"))
    assert run()["consumed"] == 40
    assert lines("out.jsonl") == whole  # the same results again, each once


def test_nothing_is_rolled_back_under_a_run():
    write("events.jsonl", 0, 5)
    run()
    store = Store("checkpoints")
    store.lock()
    with pytest.raises(CheckpointError, match="in use by another run"):
        rollback(Store("checkpoints"), "1")
    store.close()


def test_a_fork_goes_into_an_empty_folder():
    write("events.jsonl", 0, 5)
    run()
    result = CALL.invoke(app, ["checkpoint", "fork", "checkpoints", "checkpoints"])
    assert isinstance(result.exception, CheckpointError)


# -- damage ------------------------------------------------------------------------------------


def test_where_all_are_damaged_nothing_begins_anew():
    write("events.jsonl", 0, 20)
    run()
    for name in Store("checkpoints").list():
        with open(f"checkpoints/{name}", "r+b") as file:
            file.truncate(100)
    before = lines("out.jsonl")
    with pytest.raises(CheckpointError, match=r"all \d checkpoints in checkpoints are damaged"):
        run()
    assert lines("out.jsonl") == before
    assert next(iter(entries(Store("checkpoints")))).problem is not None


@pytest.mark.parametrize("field", ["identity", "sinks", "counters", "task", "position"])
def test_a_manifest_edited_by_hand_is_skipped_for_the_one_before(field, caplog):
    write("events.jsonl", 0, 20)
    run()
    store = Store("checkpoints")
    found = store.load_newest()
    manifest = {name: value for name, value in found.manifest.items() if name != field}
    store.save(manifest, found.arrays)
    assert run()["consumed"] == 20
    assert f"its manifest has no {field}" in caplog.text


def test_bytes_that_are_no_checkpoint_are_named():
    deep = b'{"__metadata__":' + b"[" * 100_000
    for data in (b"", b"\xff" * 100, len(deep).to_bytes(8, "little") + deep):
        with pytest.raises(CheckpointError, match="damaged or not a checkpoint"):
            decode(data, "name")
    with pytest.raises(CheckpointError, match=r"its manifest is no object|not a checkpoint"):
        decode(encode({}, {}).replace(b'"manifest"', b'"manifesu"'))


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../secret", "contexts-1", "/dev/zero", 7, "contexts-../../x"]
)
def test_names_never_leave_the_folder(name):
    with pytest.raises(CheckpointError, match="is not the name of a file of contexts"):
        check_segments([{"files": [name]}], "checkpoint")


def test_what_has_no_end_is_not_read(tmp_path):
    os.mkfifo("checkpoint-000000000001.safetensors")
    with pytest.raises(CheckpointError, match="not a file"):
        Store(tmp_path).load("checkpoint-000000000001.safetensors")


def test_parameters_that_are_no_numbers_are_refused():
    write("events.jsonl", 0, 20)
    run()
    store = Store("checkpoints")
    found = store.load_newest()
    theta = next(name for name in found.arrays if name.endswith("theta"))
    arrays = {**found.arrays, theta: np.full_like(found.arrays[theta], np.nan)}
    store.save(found.manifest, arrays)
    with pytest.raises(CheckpointError, match="NaN or infinite"):
        run()


def test_a_place_holds_no_more_than_it_needs():
    identity = Identity(places={"source": {"type": "kafka", "topic": "b"}})
    assert identity.is_other_kind({"places": {"source": {"type": "file", "path": "a"}}}, "source")
    moved = {"places": {"source": {"type": "kafka", "topic": "a"}}}
    assert identity.is_elsewhere(moved, "source")
    assert not identity.is_other_kind(moved, "source")  # some of the topics may be the same
    assert not identity.is_other_kind({}, "source")
    assert not identity.is_elsewhere({}, "source")
    assert split({"key": "id"}) == {"identity": {"key": "id"}}
    with pytest.raises(CheckpointError, match="holds no intact checkpoint"):
        chosen(Store("nowhere"), None)


def test_a_new_run_behind_the_results_of_another_is_said(caplog):
    write("events.jsonl", 0, 10)
    run()
    shutil.rmtree("checkpoints")
    run()
    assert re.search(r"sink: \d+ bytes of results are there, but no checkpoint in", caplog.text)
    caplog.clear()
    run()  # goes on, and there is nothing to say
    assert "bytes of results" not in caplog.text


@pytest.mark.parametrize("kind", ["regressor", "forecaster", "anomaly", "stream-regressor"])
def test_such_parameters_of_any_estimator_are_refused(kind):
    table = f'{{type = "{kind}"}}'
    if kind == "regressor":
        table = '{type = "regressor", cell = {type = "LSTM", units = 2}}'
    line = task(parse(TOML, [f"estimator={table}"]))
    for n in range(4):
        line.learn([Record({"u": n, "load": 0.1 * n}, b"{}", offset=n)])
    meta, arrays = line.snapshot()
    named = [n for n, a in arrays.items() if n.rpartition(".")[2] in PARAMETERS and a.size]
    assert named
    for name in named:
        spoiled = arrays[name].copy()
        spoiled.flat[0] = np.nan
        with pytest.raises(CheckpointError, match=re.escape(name)):
            task(parse(TOML, [f"estimator={table}"])).restore(meta, {**arrays, name: spoiled})
    task(parse(TOML, [f"estimator={table}"])).restore(meta, arrays)
