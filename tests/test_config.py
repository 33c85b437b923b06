"""Configuration: what is wrong is named, with its value and the remedy."""

import importlib.util
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from stream_rnn import specs
from stream_rnn.assembly.parts import estimator, task
from stream_rnn.assembly.service import pipeline
from stream_rnn.config import from_table, load, parse, schema
from stream_rnn.errors import ConfigError
from stream_rnn.forecasting.experts.default import LIGHT, Ewma, HoltWinters
from stream_rnn.forecasting.experts.linear import Linear
from stream_rnn.forecasting.mixing.mix import Mixture

GOOD = """
source = {type = "file", path = "taxi.csv"}
sink = {type = "file", path = "out.jsonl"}

[features]
target = "riders"
exclude = ["id"]
lags = {riders = [1, 48]}

[estimator]
type = "regressor"
cell = {type = "LSTM", units = 8}
learner = {type = "RTRL"}
optimizer = [{type = "Clip", limit = 1.0}, {type = "Adam", lr = 1e-3}]
loss = "Huber"
seed = 3
"""


def test_a_whole_configuration():
    config = parse(GOOD)
    assert config.source == schema.FileSource(path="taxi.csv")
    assert config.features.lags == {"riders": [1, 48]}
    assert config.checkpoint is None
    assert config.metrics.host == "127.0.0.1"
    assert config.metrics.port == 9108


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ('source.pth="x"', "source.pth: unknown field; did you mean 'path'?"),
        ('source={type="fiel", path="x"}', "source.type = 'fiel': unknown; did you mean 'file'?"),
        ('source={path="x"}', "source.type: is missing; known: file, http, kafka, stdin"),
        ('source={type="kafka"}', "source.topic: is missing; add it"),
        ('source={type="kafka", topic="t", password="p"}', "source.password: unknown field"),
        ("source.path=3", "source.path = 3: expected"),
        ('source.format="xml"', "source.format = 'xml': unknown; known: csv, jsonl, text"),
        ('source.follow="yes"', "source.follow = 'yes': expected bool, got str"),
        ("source=4", "source = 4: expected a table, got int"),
        ("surce=1", "surce: unknown field; did you mean 'source'?"),
        ("run.batch_records=0", "run.batch_records = 0: expected int >= 1"),
        ("run.batch_records=2.5", "run.batch_records = 2.5: expected int, got float"),
        ("run.max_dead_letter_ratio=1.5", "run.max_dead_letter_ratio = 1.5: expected float <= 1"),
        ("checkpoint={}", "checkpoint.url: is missing; add it"),
        ('checkpoint={url="c", keep=0}', "checkpoint.keep = 0: expected int >= 1"),
        ('checkpoint={url="c", on_failure="halt"}', "checkpoint.on_failure = 'halt': unknown"),
        ("metrics.port=70000", "metrics.port = 70000: expected int <= 65535"),
        ("features.lags={riders=[0]}", "features.lags = {'riders': [0]}: expected int >= 1"),
        ("features.lags={riders=[]}", "features.lags.riders = []: give at least one lag"),
        ('features.calendar=["hour"]', "features.calendar needs features.timestamp"),
        ('features.include=["riders"]', "holds the target 'riders'"),
    ],
)
def test_errors_name_field_value_and_remedy(override, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        parse(GOOD, [override])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ('estimator.type="regresor"', "estimator.type = 'regresor': unknown; did you mean"),
        ("estimator.sed=3", "estimator.sed: unknown field; did you mean 'seed'?"),
        (
            'estimator.cell.type="LTSM"',
            "estimator.cell.type = 'LTSM': unknown; did you mean 'LSTM'",
        ),
        ("estimator.cell.unit=3", "estimator.cell.unit: unknown field; did you mean 'units'?"),
        ('estimator.cell.units="3"', "estimator.cell.units = '3': expected int, got str"),
        ("estimator.cell={units=3}", "estimator.cell.type: is missing; known: "),
        ("estimator.cell=3", "estimator.cell = 3: give a table"),
        ('estimator.optimizer=["Adm"]', "estimator.optimizer[0].type = 'Adm': unknown"),
        ('estimator.seed="x"', "estimator.seed = 'x': expected int"),
        ('estimator.optimizer=["Clip"]', "estimator: optimizer: "),
        ("estimator.cell.units=0", "estimator: units: 0"),
    ],
)
def test_errors_of_the_estimator(override, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        task(parse(GOOD, [override]))


def test_specs_are_built_by_name():
    table = parse(GOOD).estimator
    assert specs.build(table["cell"], "cell", "").units == 8
    chain = specs.build(table["optimizer"], "optimizer", "")
    assert [type(link).__name__ for link in chain] == ["Clip", "Adam"]
    assert type(specs.build("Huber", "loss", "")).__name__ == "Huber"
    assert isinstance(specs.build({"type": "Huber", "delta": 2}, "loss", "").delta, float)
    cell = specs.build({"type": "Elman", "activation": "ReLU"}, "cell", "")
    assert type(cell.activation).__name__ == "ReLU"


@pytest.mark.parametrize("kind", specs.REGISTRIES)
def test_every_registered_spec_has_a_name_in_the_configuration(kind):
    for name, spec in specs.load(specs.REGISTRIES[kind]).items():
        assert specs.build({"type": name}, kind, "") == spec()


@pytest.mark.parametrize("name", specs.ESTIMATORS)
def test_every_estimator_has_a_name_and_needs_no_arguments(name):
    estimator = specs.estimator({"type": name})
    assert estimator.stream([], []) == []
    assert estimator.health() is not None


def test_overrides_take_toml_values_and_bare_strings():
    config = parse(GOOD, ["source.path=other.csv", "run.batch_records=5", "metrics.enabled=false"])
    assert config.source.path == "other.csv"
    assert config.run.batch_records == 5
    assert not config.metrics.enabled


@pytest.mark.parametrize("text", ["nonsense", "=1", "source..path=1", "source.path.x=1"])
def test_overrides_that_cannot_be_meant(text):
    with pytest.raises(ConfigError, match="override"):
        parse(GOOD, [text])


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml'.*No such file"):
        load(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("source = ")
    with pytest.raises(ConfigError, match=r"bad\.toml: not TOML: Invalid value"):
        load(tmp_path / "bad.toml")
    with pytest.raises(ConfigError, match="cannot read the configuration"):
        load(tmp_path)


def test_a_file_as_an_editor_of_windows_writes_it(tmp_path):
    text, path = 'source.type = "stdin"\r\nsink.type = "stdout"\r\n', tmp_path / "p.toml"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert load(path).source == schema.StdinSource()
    path.write_bytes(text.encode("utf-16"))
    with pytest.raises(ConfigError, match=r"p\.toml: byte 0 is not UTF-8; save the file as UTF-8"):
        load(path)


def test_what_cannot_be_opened_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"source: .*taxi\.csv"):
        pipeline(parse(GOOD))
    (tmp_path / "taxi.csv").write_text("riders\n1\n")
    with pytest.raises(ConfigError, match=r"sink: path = 'out\.txt'"):
        pipeline(parse(GOOD, ["sink.path=out.txt"]))


def test_no_secret_has_a_field():
    """A password can only come from a file or the environment."""
    names = {
        name for kind in (schema.KafkaSource, schema.KafkaSink) for name in kind.__struct_fields__
    }
    assert not names & {"password", "key_password", "secret", "token"}


@settings(deadline=None, max_examples=100)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-5, 10**6) | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["type", "path", "source", "sink", "features", "lags", "run", "x"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=10,
    )
)
def test_any_table_is_accepted_or_explained(value):
    import msgspec

    from stream_rnn.config.messages import explain

    table = value if isinstance(value, dict) else {"source": value}
    try:
        msgspec.convert(table, schema.Config)
    except msgspec.ValidationError as error:
        text = explain(error, table)
        assert text
        assert "\n" not in text
        assert "`" not in re.sub(r"= .*: ", "", text)


def test_stacks_dropout_and_the_automatic_learner():
    from stream_rnn import GRU, LSTM, BlockRTRL, Dropout
    from stream_rnn.specs import estimator

    layers = [
        {"type": "Dropout", "cell": {"type": "LSTM", "units": 16}, "rate": 0.1},
        {"type": "GRU", "units": 4},
    ]
    model = estimator({"type": "regressor", "cell": layers, "learner": "auto"})
    assert model.cell == (Dropout(LSTM(16), 0.1), GRU(4))
    assert model._model.learner == BlockRTRL()
    with pytest.raises(ConfigError, match=r"estimator.cell\[0\].cell.type = 'LTSM'.*'LSTM'"):
        estimator({"cell": [{"type": "Dropout", "cell": "LTSM"}]})
    with pytest.raises(ConfigError, match=r"learner\.type = 'atuo'"):
        estimator({"learner": "atuo"})


def test_experts_of_a_forecaster_by_table_or_by_the_name_of_a_bank():
    table = [{"type": "Ewma", "rate": 1}, {"type": "Linear", "lags": 4}, "HoltWinters"]
    model = specs.estimator({"type": "forecaster", "experts": table})
    assert model.experts == (Ewma(1.0), Linear(lags=4), HoltWinters())
    assert specs.estimator({"type": "anomaly", "experts": "light"}).experts == LIGHT
    table = {"type": "forecaster", "mixture": {"type": "Mixture", "stack": 0}}
    assert specs.estimator(table).mixture == Mixture(stack=0.0)
    for experts, message in (
        ("lihgt", "estimator.experts = 'lihgt': unknown; did you mean 'light'"),
        ([{"type": "Lstn"}], "estimator.experts[0].type = 'Lstn': unknown; did you mean 'Lstm'"),
        (["Lstm"], "the first expert must be Ewma(1.0)"),
    ):
        with pytest.raises(ConfigError) as error:
            specs.estimator({"type": "forecaster", "experts": experts})
        assert message in str(error.value)


def test_the_reference_lists_every_field():
    """docs/configuration.md is what docs/configuration.py writes."""
    root = Path(__file__).parents[1]
    spec = importlib.util.spec_from_file_location("reference", root / "docs/configuration.py")
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    text = reference.PAGE.read_text()
    assert text == reference.page(), "run python docs/configuration.py"
    tables = [t for t in vars(schema).values() if isinstance(t, type) and issubclass(t, Struct)]
    assert len(tables) > 12
    for table in tables:
        for field in table.__struct_fields__:
            assert f"| `{field}` |" in text


def test_durations_are_written_alike_everywhere():
    table = {
        "source": {"type": "kafka", "topic": "a", "session_seconds": "1m"},
        "sink": {"type": "stdout"},
        "checkpoint": {"url": "state", "every_seconds": "1.5h"},
        "run": {"poll_seconds": 0.5},
    }
    config = from_table(table)
    assert config.source.session_seconds == 60.0
    assert (config.checkpoint.every_seconds, config.run.poll_seconds) == (5400.0, 0.5)
    table["run"]["poll_seconds"] = "soon"
    with pytest.raises(ConfigError, match=r"run.poll_seconds = 'soon': .* such as '30s'"):
        from_table(table)


def test_categories_go_to_estimators_that_take_them():
    table = {
        "source": {"type": "file", "path": "a.csv"},
        "sink": {"type": "stdout"},
        "features": {"target": "y", "categorical": {"zip_seconds": "hash"}},
    }
    made = estimator(from_table(table))
    assert made.categorical == {"zip_seconds": "hash"}
    table["estimator"] = {"type": "text"}
    with pytest.raises(ConfigError, match="takes no categories"):
        estimator(from_table(table))
