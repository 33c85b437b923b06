"""Keys on a real broker: by field or by message key, in a state for each partition."""

import json
import random
import shutil

import pytest

from stream_rnn import LSTM, Adam, Clip, Keyed, RecurrentRegressor
from stream_rnn.assembly.service import service
from stream_rnn.config import load
from stream_rnn.keys.key import MESSAGE_KEY

CONFIG = """
key = "{key}"
max_contexts = 3
source = {{type = "kafka", bootstrap = "{bootstrap}", topic = "{topic}", stop_at_end = true}}
sink = {{type = "kafka", topic = "{out}"}}
dead_letter = {{type = "kafka", topic = "{dead}"}}
features = {{target = "y", exclude = ["n"]}}
checkpoint = {{url = "checkpoints", every_records = 100}}
metrics.enabled = false
run = {{name = "{topic}", copy = ["n"]}}
[estimator]
cell = {{type = "LSTM", units = 4}}
optimizer = ["Clip", "Adam"]
"""


def messages(count, seed):
    rng = random.Random(seed)
    values = [
        {"id": f"s{rng.randrange(20)}", "u": rng.gauss(0, 1), "y": rng.gauss(0, 1), "n": n}
        for n in range(count)
    ]
    return values, [value["id"].encode() for value in values]


@pytest.mark.parametrize("key", [MESSAGE_KEY, pytest.param("id", marks=pytest.mark.slow)])
def test_a_restart_from_an_older_checkpoint_changes_nothing(topics, tmp_path, monkeypatch, key):
    """What lies between the checkpoint and the commit is learned again, silently."""
    monkeypatch.chdir(tmp_path)
    names = {"topic": topics.make(), "out": topics.make(), "dead": topics.make()}
    config = tmp_path / "pipeline.toml"
    config.write_text(CONFIG.format(bootstrap=topics.bootstrap, key=key, **names))
    sent = []

    def go_on(seed):
        values, keys = messages(400, seed)
        sent.extend(values)
        bodies = [v if key == "id" else {n: x for n, x in v.items() if n != "id"} for v in values]
        topics.produce(names["topic"], [json.dumps(body).encode() for body in bodies], keys=keys)
        assert service(load(config)).run()["predicted"] == 400

    go_on(1)
    shutil.copytree(tmp_path / "checkpoints", tmp_path / "older")
    go_on(2)
    shutil.rmtree(tmp_path / "checkpoints")
    shutil.copytree(tmp_path / "older", tmp_path / "checkpoints")
    topics.produce(names["topic"], [b'{"u": 1.0, "y": 1.0}'])  # whose it is nobody knows
    go_on(3)
    model = Keyed(RecurrentRegressor(LSTM(4), optimizer=(Clip(), Adam())), "id")
    rows = model.stream(
        [{"id": value["id"], "u": value["u"]} for value in sent], [value["y"] for value in sent]
    )
    found = [json.loads(record.value) for record in topics.read(names["out"])[0]]
    assert [row["prediction"] for row in found] == [row["prediction"] for row in rows]
    assert [row["n"] for row in found] == [*range(400)] * 3
    assert len(topics.read(names["dead"])[0]) == 1
