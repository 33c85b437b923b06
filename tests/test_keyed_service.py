"""A service with keys: lags, dead letters, checkpoints and metrics by key."""

import json
import logging
import random

import pytest
from average import Linear
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from connectors.base import Record
from connectors.memory import MemorySink, MemorySource
from stream_rnn import Elman, Keyed, RecurrentRegressor, SnAp1
from stream_rnn.assembly.parts import identity, task
from stream_rnn.checkpoints.store import Store
from stream_rnn.cli.app import app
from stream_rnn.config import load, parse
from stream_rnn.errors import CheckpointError, ConfigError
from stream_rnn.features.rows import Rows
from stream_rnn.keys.key import MESSAGE_KEY
from stream_rnn.metrics import Metrics
from stream_rnn.service.identity import Identity
from stream_rnn.service.ledger import Schedule
from stream_rnn.service.pipeline import Pipeline
from stream_rnn.service.task import Task

pytestmark = pytest.mark.usefixtures("interpreted")
SHARES = ["weights", "nothing"]
BASE = """
source = {type = "file", path = "in.csv"}
sink = {type = "file", path = "out.jsonl"}
features.target = "y"
"""


def values(count, keys=5, seed=0):
    rng = random.Random(seed)
    return [
        {"id": f"s{rng.randrange(keys)}", "u": rng.gauss(0, 1), "y": rng.gauss(0, 1), "n": n}
        for n in range(count)
    ]


def keyed(share="nothing", limit=2):
    model = RecurrentRegressor(Elman(2), SnAp1(), seed=1) if share == "weights" else Linear()
    return Keyed(model, "id", share, limit)


def make_task(share="nothing", limit=2):
    rows = Rows("y", exclude=["n"], lags={"y": [1, 3]}, key="id")
    return Task(keyed(share, limit), rows, copy=["id", "n"])


def pipeline(records, share="nothing", limit=2, batch=7, store=None, **options):
    options.setdefault("max_refused", 1.0)
    return Pipeline(
        MemorySource(records),
        make_task(share, limit),
        MemorySink(),
        MemorySink(),
        store,
        Schedule(batch_records=batch, poll_seconds=0.01, **options),
        identity=Identity({"key": "id"}),
    )


def run(*args, **options):
    line = pipeline(*args, **options)
    line.run()
    line.close()
    return line


def test_each_key_is_a_stream_of_its_own():
    """With nothing shared: the results of as many pipelines as there are keys, lags included."""
    records = values(80)
    rows = run(records).sinks["sink"].rows
    for key in {record["id"] for record in records}:
        alone = Pipeline(
            MemorySource([record for record in records if record["id"] == key]),
            Task(Linear(), Rows("y", exclude=["n", "id"], lags={"y": [1, 3]}), copy=["id", "n"]),
            sink := MemorySink(),
        )
        alone.run()
        assert [row for row in rows if row["id"] == key] == sink.rows


BAD = [
    {"id": None, "u": 1.0, "y": 1.0, "n": -1},
    {"u": 1.0, "y": 1.0, "n": -2},
    {"id": 0.5, "u": 1.0, "y": 1.0, "n": -3},
    {"id": "s1", "u": "text", "y": 1.0, "n": -4},
    {"id": "s1", "u": 1.0, "n": -5},
    Record(None, b"{", "malformed"),
]


KNOWN = 1 + next(n for n, record in enumerate(values(40)) if record["id"] == "s1")  # u is a number


@pytest.mark.parametrize("share", SHARES)
@settings(max_examples=15)
@given(
    bad=st.lists(st.tuples(st.integers(KNOWN, 40), st.sampled_from(range(len(BAD)))), max_size=8),
    batch=st.integers(1, 50),
    limit=st.integers(1, 6),
)
def test_bad_records_leave_no_trace(share, bad, batch, limit):
    """Lags included: as if they had not been there."""
    good = values(40)
    mixed = list(good)
    for at, which in sorted(bad, key=lambda item: item[0], reverse=True):
        mixed.insert(at, BAD[which])
    line = run(mixed, share, limit, batch)
    assert line.sinks["sink"].rows == run(good, share, 10, 40).sinks["sink"].rows
    assert line.counters["refused"] == len(bad)


def test_a_record_without_key_is_a_dead_letter():
    line = run([*values(3), *BAD])
    reasons = [letter["reason"] for letter in line.sinks["refused"].rows]
    assert reasons == [*["missing_key"] * 3, "refused", "missing_target", "undecodable"]
    assert "the key field 'id' is missing" in line.sinks["refused"].rows[0]["error"]


class Killed(BaseException):
    """What a process that is killed does not survive."""


class Dying(MemorySink):
    def __init__(self, rows, at):
        super().__init__()
        self.rows, self.left = rows, at

    def write(self, rows):
        self.left -= 1
        if self.left < 0:
            raise Killed
        super().write(rows)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("limit", [1, 2, 10])
@pytest.mark.parametrize("died", [1, 4, 9])
def test_a_crash_and_a_resume_change_nothing(tmp_path, share, limit, died):
    records = values(90)
    expected = run(records, share, 10, store=Store(tmp_path / "peace"), every_records=10)
    options = {"store": Store(tmp_path / "war", keep=2), "every_records": 10}
    line = pipeline(records, share, limit, **options)
    line.sinks["sink"] = Dying([], died)
    with pytest.raises(Killed):
        line.run()
    line.close()
    again = pipeline(records, share, limit, 11, store=Store(tmp_path / "war"), every_records=20)
    again.sinks["sink"].rows = line.sinks["sink"].rows
    again.run()
    again.close()
    assert again.sinks["sink"].rows == expected.sinks["sink"].rows
    for name in ("peace", "war"):  # both from the file: a further run ends alike
        assert Store(tmp_path / name).load_newest().manifest["counters"] == expected.counters
    ends = []
    for name in ("peace", "war"):
        checkpoint = Store(tmp_path / name).load_newest()
        task = make_task(share, 3)
        task.restore(checkpoint.manifest["task"], checkpoint.arrays, checkpoint.contexts)
        more = [Record(value, b"") for value in values(60, 7, seed=5)]
        ends.append(task.learn(more).rows)
    assert ends[0] == ends[1]


def test_other_keys_are_another_stream(tmp_path):
    run(values(10), store=Store(tmp_path))
    line = pipeline(values(10), store=Store(tmp_path))
    line.ledger.identity = Identity({"key": "sensor"})
    with pytest.raises(CheckpointError, match="key was 'id' and is now 'sensor'"):
        line.run()


def test_metrics_and_logs_never_show_a_key(tmp_path, caplog):
    metrics = Metrics("demo")
    line = pipeline(values(60), limit=2, store=Store(tmp_path), every_records=10)
    line.observers.observers = (metrics,)
    with caplog.at_level(logging.INFO):
        line.run()
    text = metrics.text()
    assert 'stream_rnn_keys{learner="demo"} 5.0' in text
    assert 'stream_rnn_contexts{learner="demo"} 2.0' in text
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    evicted = float(lines['stream_rnn_context_evictions_total{learner="demo"}'])
    assert evicted == float(lines['stream_rnn_context_reloads_total{learner="demo"}']) + 3
    assert float(lines['stream_rnn_loss_observations_total{learner="demo"}']) == 60
    assert "s3" not in text + caplog.text


# -- configuration ---------------------------------------------------------------------------


def test_the_configuration_makes_a_keyed_task():
    config = parse(BASE + 'key = "id"\nshare = "nothing"\nmax_contexts = 7')
    made = task(config)
    assert (made.estimator.key, made.estimator.share, made.estimator.max_contexts) == (
        *("id", "nothing"),
        7,
    )
    assert made.rows.key == "id"
    assert identity(config).model["share"] == "nothing"
    assert task(parse(BASE)).contexts is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('share = "nothing"', "share needs key: name the field"),
        ("max_contexts = 5", "max_contexts needs key"),
        ('key = "y"', "key = 'y' is the target"),
        ('key = "id"\nmax_contexts = 0', "max_contexts"),
        ('key = "id"\nshare = "all"', "share"),
        ('key = "id"\nfeatures.include = ["id", "u"]', "features.include holds the key 'id'"),
        ('key = "@message_key"', "which a file source does not have"),
        ('keys = "id"', "did you mean 'key'"),
        ('key = "id"\nestimator.type = "forecaster"', "use a regressor.*or share = 'nothing'"),
    ],
)
def test_configurations_that_cannot_work(text, message):
    with pytest.raises(ConfigError, match=message):
        task(parse(text + BASE))


def test_the_key_of_the_message():
    """Kafka's own key, which need not be a field."""
    rows = Rows("y", key=MESSAGE_KEY)
    made = Task(Keyed(Linear(), MESSAGE_KEY, "nothing"), rows)
    records = [
        Record({"u": 1.0, "y": 2.0}, b"raw", key=key) for key in (b"a", None, b"b", b"a", b"\xff")
    ]
    outcome = made.learn(records)
    assert outcome.reasons == {"missing_key": 1}
    assert [row["prediction"] for row in outcome.rows] == [0, 0, pytest.approx(0.1), 0]
    assert set(made.contexts) == {b"a", b"b", b"\xff"}


# -- commands --------------------------------------------------------------------------------


def write_csv(path, records):
    lines = [f"{r['id']},{r['u']},{r['y']}" for r in records]
    path.write_text("\n".join(["id,u,y", *lines, ""]))


def test_run_and_inspect(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "in.csv", values(100))
    text = (
        'key = "id"\nmax_contexts = 3\ncheckpoint = {url = "kept"}\nmetrics.enabled = false\n'
        'run.copy = ["id"]\n' + BASE + 'estimator = {cell = {type = "Elman", units = 2}}\n'
    )
    (tmp_path / "pipeline.toml").write_text(text)
    assert load(tmp_path / "pipeline.toml").key == "id"
    result = CliRunner().invoke(app, ["run", "pipeline.toml"])
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert len(rows) == 100
    shown = CliRunner().invoke(app, ["inspect", "kept"])
    assert "keys: 5 in 1 segment" in shown.output
    found = json.loads(CliRunner().invoke(app, ["inspect", "kept", "--json"]).output)
    assert found["keys"] == 5


def test_evaluate(tmp_path):
    """Against the last value of the same key."""
    records = [
        {"id": f"s{n % 4}", "u": 1.0, "y": 100.0 * (n % 4) + (n // 4) % 2} for n in range(400)
    ]
    write_csv(tmp_path / "in.csv", records)
    arguments = ["evaluate", str(tmp_path / "in.csv"), "-y", "y", "--key", "id", "--json"]
    arguments += ["--set", "estimator.cell={type='Elman', units=2}", "--set", "max_contexts=2"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["scored"] == 400
    assert found["scores"]["last value"]["MAE"] == pytest.approx((99 * 4 + 600) / 400)
    separate = CliRunner().invoke(app, [*arguments, "--share", "nothing"])
    assert json.loads(separate.stdout)["scores"] != found["scores"]
    missing = CliRunner().invoke(app, [*arguments[:5], "sensor"])
    assert missing.exit_code != 0
