"""No message repeats a secret, wherever it was put by mistake."""

import pytest
from kafka_service import Service

from connectors.kafka.settings import KafkaSettings
from stream_rnn.assembly.service import service
from stream_rnn.checkpoints.folders import open_folder
from stream_rnn.checkpoints.store import Store
from stream_rnn.config import parse
from stream_rnn.errors import ConfigError

WORD = "hunter2"
KAFKA = 'source = {{type = "kafka", topic = "t", bootstrap = "127.0.0.1:9", {}}}\n'
SINK = 'sink = {type = "stdout"}\nfeatures.target = "y"\n'


@pytest.mark.parametrize(
    "text",
    [
        f'[[source]]\ntype = "kafka"\npassword = "{WORD}"',
        KAFKA.format(f'password = "{WORD}"') + SINK,
        KAFKA.format(f'format = {{type = "avro", password = "{WORD}"}}') + SINK,
        KAFKA.format(f'protocol = "SASL_SSL", username = "u", password_file = "{WORD}"') + SINK,
        KAFKA.format(f'protocol = "SASL_SSL", username = "u", password_file = "a/{WORD}"') + SINK,
        SINK + f'source = {{type = "kafka", topic = "t", bootstrap = "u:{WORD}@127.0.0.1:9"}}',
        f'source = "kafka://u:{WORD}@host/topic"\n{SINK}',
        f'checkpoint.url = ["s3://key:{WORD}@bucket/models"]\n{KAFKA.format("")}{SINK}',
    ],
)
def test_in_a_configuration(text):
    with pytest.raises(ConfigError) as refused:
        service(parse(text))
    assert WORD not in str(refused.value)


@pytest.mark.parametrize(
    "override", [f"source.password {WORD}", f"source.password:{WORD}", f"source.x.y={WORD}"]
)
def test_in_an_override(override):
    with pytest.raises(ConfigError) as refused:
        parse("source = 1", [override])
    assert WORD not in str(refused.value)


def test_in_the_address_of_checkpoints():
    with pytest.raises(ConfigError) as refused:
        open_folder(f"nowhere://key:{WORD}@bucket/models")
    assert WORD not in str(refused.value)
    assert Store(f"memory://key:{WORD}@bucket/models").url == "memory://***@bucket/models"


def test_in_the_addresses_of_brokers():
    with pytest.raises(ValueError, match="credentials do not belong") as refused:
        KafkaSettings(f"u:{WORD}@h:9092")
    assert WORD not in str(refused.value)


def test_on_the_command_line(tmp_path):
    config = tmp_path / "pipeline.toml"
    config.write_text(SINK + 'source = {type = "stdin"}\n')
    with Service(config, "--set", f"source.password={WORD}") as run:
        assert run.wait(60) == 2
    assert "source.password: unknown field" in run.log
    assert WORD not in run.log
