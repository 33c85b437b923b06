"""Beside the plain case: histories, keys that share, growth, refusals, forgetting."""

import datetime
import time
import warnings

import pytest
from spark_streams import CASES, SCHEMA, plain, query, read, records, run, same_state, write

import stream_rnn
from stream_rnn import GRU, Keyed, RecurrentRegressor
from stream_rnn.metrics import Metrics
from stream_rnn.spark import learn, learn_history, models, save_models, states, watched

pytestmark = pytest.mark.slow
MODEL, TARGET, FEATURES = CASES["regressor"]
WORDS = {"key": "key", "target": TARGET, "order": "id", "features": FEATURES}


def stream(spark, folder, schema=SCHEMA):
    return spark.readStream.schema(schema).option("maxFilesPerTrigger", 1).json(str(folder))


def test_a_frame_that_ends_is_learned_and_a_stream_goes_on_from_it(spark, tmp_path):
    rows = records(keys=5, count=240)
    expected, alone = plain("regressor", rows)
    write(tmp_path / "past", rows[:120], files=1)
    write(tmp_path / "in", rows[120:], files=2, first=1)
    past = spark.read.schema(SCHEMA).json(str(tmp_path / "past"))
    got = {row["id"]: row["prediction"] for row in learn(past, MODEL, **WORDS).collect()}
    assert got == {n: expected[n]["prediction"] for n in range(120)}
    initial = learn_history(past, MODEL, **WORDS)
    run(learn(stream(spark, tmp_path / "in"), MODEL, initial=initial, **WORDS), tmp_path / "a")
    found = read(spark, tmp_path / "a")
    assert {n: row["prediction"] for n, row in found.items()} == {
        n: expected[n]["prediction"] for n in range(120, 240)
    }
    # out of Spark, into a file, and from it into another query
    checkpoint = tmp_path / "a" / "checkpoint"
    save_models(spark, checkpoint, MODEL, tmp_path / "models.safetensors", key="key")
    keyed = stream_rnn.load(tmp_path / "models.safetensors")
    assert dict.fromkeys(keyed.contexts, True) == dict.fromkeys(alone, True)
    later = records(keys=5, count=60, seed=2)
    write(tmp_path / "later", later, files=1)
    begin = states(spark, tmp_path / "models.safetensors", "key")
    run(learn(stream(spark, tmp_path / "later"), MODEL, initial=begin, **WORDS), tmp_path / "b")
    by_id = read(spark, tmp_path / "b")
    for row in later:
        x = {name: row[name] for name in FEATURES}
        result = alone[row["key"]].stream([x], [row["y"]])[0]
        assert by_id[row["id"]]["prediction"] == result["prediction"]


def test_keys_that_share_a_network_are_one_task_and_what_the_service_learns(spark, tmp_path):
    rows = records(keys=6, count=200)
    write(tmp_path / "in", rows, files=2)
    keyed = Keyed(RecurrentRegressor(GRU(3), seed=1), "key")
    out = learn(stream(spark, tmp_path / "in"), keyed, target="y", order="id", features=FEATURES)
    run(out, tmp_path)
    alone = keyed.clone()
    names = ("key", *FEATURES)
    expected = alone.stream([{n: row[n] for n in names} for row in rows], [r["y"] for r in rows])
    got = read(spark, tmp_path)
    assert [got[n]["prediction"] for n in range(200)] == [e["prediction"] for e in expected]
    assert [got[n]["key"] for n in range(200)] == [row["key"] for row in rows]
    (model,) = models(spark, tmp_path / "checkpoint", keyed).values()
    assert list(model.contexts) == list(alone.contexts)
    assert same_state(model, alone)
    save_models(spark, tmp_path / "checkpoint", keyed, tmp_path / "keyed.safetensors")
    loaded = stream_rnn.load(tmp_path / "keyed.safetensors")
    x = {"key": "k1", "a": 0.5, "b": 0.1}
    assert loaded.predict_one(x) == alone.predict_one(x)


def test_features_and_classes_grow_and_a_poisoned_record_is_a_row(spark, tmp_path):
    schema = "id long, key string, a double, more map<string,double>, c string"
    rows = [
        {"id": n, "key": f"k{n % 2}", "a": n % 3 / 2, "more": {}, "c": "xyz"[n % (1 + n // 20)]}
        for n in range(60)
    ]
    for row in rows[30:]:
        row["more"] = {"late": 1.0 + row["id"] % 2}
    rows[10]["a"] = 1e400  # what JSON readers take for infinity
    rows[41]["key"] = None
    write(tmp_path / "in", rows, files=2)
    estimator = CASES["classifier"][0]
    df = stream(spark, tmp_path / "in", schema)
    run(learn(df, estimator, key="key", target="c", order="id"), tmp_path)
    got = read(spark, tmp_path)
    assert sorted(n for n, row in got.items() if row["error"]) == [10, 41]
    assert got[10]["prediction"] is None
    alone = {}
    for row in rows:
        if row["id"] in (10, 41):
            continue
        model = alone.setdefault(row["key"], estimator.clone())
        result = model.stream([{"a": row["a"], **row["more"]}], [row["c"]])[0]
        assert got[row["id"]]["probabilities"] == result["probabilities"]
    found = models(spark, tmp_path / "checkpoint", estimator)
    assert all(same_state(found[key], alone[key]) for key in alone)
    assert found["k0"].snapshot().meta["features"] == ["a", "late"]


def test_a_changed_estimator_and_a_changed_schema_on_an_old_checkpoint(spark, tmp_path):
    rows = records(keys=3, count=90)
    write(tmp_path / "in", rows[:30], files=1)
    query(spark, "regressor", tmp_path / "in", tmp_path)
    write(tmp_path / "in", rows[30:60], files=1, first=1)
    other = RecurrentRegressor(GRU(2), seed=9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pyspark.errors import StreamingQueryException

        with pytest.raises(StreamingQueryException, match="another model than RecurrentRegressor"):
            run(learn(stream(spark, tmp_path / "in"), other, **WORDS), tmp_path)
    # one more column, which becomes a feature
    words = WORDS | {"features": [*FEATURES, "extra"]}
    df = stream(spark, tmp_path / "in", SCHEMA + ", extra double")
    run(learn(df, MODEL, **words), tmp_path)
    model = models(spark, tmp_path / "checkpoint", MODEL)["k0"]
    assert model.snapshot().meta["features"] == ["a", "b", "extra"]


def test_keys_that_fall_silent_are_forgotten(spark, tmp_path):
    write(tmp_path / "in", records(keys=4, count=40), files=1)
    out = learn(stream(spark, tmp_path / "in"), MODEL, ttl=datetime.timedelta(seconds=5), **WORDS)
    writer = out.writeStream.option("checkpointLocation", f"{tmp_path}/checkpoint")
    started = writer.trigger(processingTime="1 second").format("noop").start()
    try:
        wait(lambda: sum(p["numInputRows"] for p in started.recentProgress) == 40)
        wait(lambda: models(spark, tmp_path / "checkpoint", MODEL) == {})
    finally:
        started.stop()


def test_a_query_that_forgets_ends_when_all_is_read(spark, tmp_path):
    write(tmp_path / "in", records(keys=3, count=40), files=2)
    metrics = Metrics("forgets")
    out = learn(stream(spark, tmp_path / "in"), MODEL, ttl=datetime.timedelta(hours=1), **WORDS)
    run(watched(out, metrics), tmp_path)
    assert len(read(spark, tmp_path)) == 40
    assert len(models(spark, tmp_path / "checkpoint", MODEL)) == 3
    wait(lambda: 'stream_rnn_state{stream_rnn_state="stopped"} 1.0' in metrics.text(), 30)
    lines = metrics.text().splitlines()
    assert "stream_rnn_records_learned_total 40.0" in lines
    assert 'stream_rnn_keys{learner="forgets"} 3.0' in lines


def wait(done, seconds=300):
    end = time.monotonic() + seconds
    while True:
        try:
            if done():
                return
        except Exception:  # no batch has been committed yet
            if time.monotonic() > end:
                raise
        assert time.monotonic() < end
        time.sleep(1)
