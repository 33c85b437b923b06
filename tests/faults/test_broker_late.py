"""A broker that comes after the service, goes and comes back: waited for, told and survived."""

import time

import pytest
from kafka_broker import CLIENTS, CLIENTS_IN_TURN, Broker, Topics
from kafka_chaos import Job
from kafka_service import Service, as_messages, river_rows

UP, SECONDS = "stream_rnn_dependency_up", "stream_rnn_dependency_down_seconds"


def wait_until(service, what, seconds=30.0):
    """Until *what* holds of the metrics; they are returned."""
    deadline = time.monotonic() + seconds
    while not what(found := service.metrics()):
        assert time.monotonic() < deadline, f"{found}\n{service.log}"
        time.sleep(0.2)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.timeout(300)
def test_the_broker_comes_goes_and_comes_back(client, tmp_path):
    with Broker() as broker:
        topics = Topics(broker.bootstrap)
        job = Job(topics, tmp_path, batch=100, every=500, session=6.0, client=client)
        job.fill(500)
        broker.stop()
        with job.service("--set", "source.stop_at_end=false") as service:
            service.wait_for(r"source .* is down: .*trying again", 60)
            found = service.metrics()
            assert found[f'{UP}{{dependency="source"}}'] == 0
            broker.start()
            wait_until(service, lambda m: m["stream_rnn_records_predicted_total"] == 500, 90)
            assert service.metrics()[f'{UP}{{dependency="source"}}'] == 1
            assert service.metrics()[f'{UP}{{dependency="sink"}}'] == 1
            broker.kill()
            killed = time.monotonic()
            wait_until(service, lambda m: m[f'{SECONDS}{{dependency="source"}}'] > 0, 15)
            assert time.monotonic() - killed < 10, service.log
            time.sleep(5)
            broker.start()
            started = time.monotonic()
            wait_until(service, lambda m: m[f'{SECONDS}{{dependency="source"}}'] == 0, 30)
            assert time.monotonic() - started < 10, service.log
            job.send(0, as_messages(river_rows(100)))
            wait_until(service, lambda m: m["stream_rnn_records_predicted_total"] == 600, 60)
            assert service.terminate() == 0, service.log
        job.verify()
        topics.close()
        assert service.log.count("\n") < 40, service.log


@pytest.mark.parametrize("client", CLIENTS_IN_TURN)
def test_a_broker_that_does_not_come_ends_the_run_with_a_status_of_its_own(client, tmp_path):
    config = tmp_path / "pipeline.toml"
    config.write_text(
        f"""
source = {{type = "kafka", bootstrap = "127.0.0.1:9", topic = "in", client = "{client}", wait = 1}}
sink = {{type = "file", path = "out.jsonl"}}
features = {{target = "y"}}
metrics = {{enabled = false}}
"""
    )
    with Service(config) as service:
        assert service.wait(60) == 5, service.log
    assert "source (in on 127.0.0.1:9) is down: no Kafka broker at 127.0.0.1:9" in service.log
    assert service.log.count("\n") < 10, service.log
