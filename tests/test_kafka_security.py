"""Settings and secrets; encryption and authentication against a real broker."""

import base64
import pickle
import threading
import time
from importlib import metadata
from types import SimpleNamespace

import pytest
from kafka_broker import CLIENTS, Broker, Topics
from kafka_chaos import Job

from connectors.base import Denied, SinkError, SourceError
from connectors.kafka.driver import Gone
from connectors.kafka.python_guards import complete_joins, create_no_topics, end_at_once
from connectors.kafka.settings import KafkaSettings
from connectors.kafka.sink import KafkaSink
from connectors.kafka.source import KafkaSource
from connectors.kafka.versions import check_version
from connectors.secrets import Secret
from connectors.state import Dependency
from stream_rnn.assembly.service import service
from stream_rnn.config import load
from stream_rnn.service.exactly_once import member

USER, PASSWORD = "learner", "correct horse battery staple"


@pytest.fixture(scope="module")
def secured():
    with Broker(sasl=True) as broker:
        topics = Topics(broker.bootstrap)
        topics.add_user(USER, PASSWORD)
        yield broker, topics
        topics.close()


def sasl(broker, password_file, **more):
    options = {
        "bootstrap": f"127.0.0.1:{broker.sasl_port}",
        "protocol": "SASL_SSL",
        "username": USER,
        "password_file": str(password_file),
        "cafile": str(broker.data / "tls.pem"),
        **more,
    }
    return KafkaSettings.from_options(options, environ={})


@pytest.fixture
def password_file(tmp_path):
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\n")
    return path


@pytest.mark.parametrize("client", CLIENTS)
def test_there_and_back_over_sasl_ssl(secured, password_file, client):
    broker, topics = secured
    settings = sasl(broker, password_file, client=client)
    topic = topics.make()
    sink = KafkaSink(settings, topic)
    sink.write([{"n": n} for n in range(10)])
    sink.flush()
    sink.close()
    source = KafkaSource(settings, topic, stop_at_end=True)
    records = []
    while not source.finished:
        records += source.next_batch(100, 1.0)
    source.close()
    assert [record.value["n"] for record in records] == list(range(10))


def test_exactly_once_over_sasl_ssl(secured, password_file, tmp_path, monkeypatch):
    broker, topics = secured
    monkeypatch.chdir(tmp_path)
    job = Job(topics, tmp_path)
    job.fill(300)
    table = f"""bootstrap = "127.0.0.1:{broker.sasl_port}"
protocol = "SASL_SSL"
username = "{USER}"
password_file = "{password_file}"
cafile = "{broker.data / "tls.pem"}"
"""
    text = job.config.read_text().replace(f'bootstrap = "{broker.bootstrap}"\n', table)
    job.config.write_text(text)
    service(load(job.config)).run(threading.Event())
    job.verify()


@pytest.mark.parametrize("client", CLIENTS)
def test_a_wrong_password_is_refused_and_never_shown(
    secured, tmp_path, client, caplog, monkeypatch
):
    broker, topics = secured
    impatient(monkeypatch, client)
    wrong = tmp_path / "wrong"
    wrong.write_text("hunter2hunter2")
    settings = sasl(broker, wrong, client=client)
    words = {
        "confluent": r"accepts this client's connection, but not its credentials",
        "kafka-python": r"either it does not accept this client's credentials.*or it is not ready",
    }
    with pytest.raises(SourceError, match=words[client]) as refused:
        KafkaSource(settings, topics.make())
    assert isinstance(refused.value, Denied) == (client == "confluent")  # the other cannot tell
    for text in (caplog.text, str(refused.value), repr(settings), str(settings)):
        assert "hunter2" not in text


@pytest.mark.parametrize("client", CLIENTS)
def test_a_certificate_of_somebody_else_is_refused(
    secured, password_file, client, monkeypatch, tmp_path
):
    broker, _ = secured
    impatient(monkeypatch, client)
    settings = sasl(broker, password_file, client=client, cafile=None)
    with pytest.raises(SourceError, match=r"accepts this client|takes connections and closes"):
        KafkaSource(settings, "any")


def impatient(monkeypatch, client):
    """Do not try again for ten seconds."""
    module = {"confluent": "confluent_consumer", "kafka-python": "python_consumer"}[client]
    monkeypatch.setattr(f"connectors.kafka.{module}.BOOTSTRAP_SECONDS", 2.0)


def test_secrets_come_from_files_or_the_environment(password_file):
    options = {"bootstrap": "b:9093", "protocol": "SASL_SSL", "username": USER}
    secret = Secret(PASSWORD)
    for more, environ in [
        ({"password_file": str(password_file)}, {}),
        ({}, {"KAFKA_PASSWORD_FILE": str(password_file)}),
        ({}, {"KAFKA_PASSWORD": PASSWORD}),
    ]:
        settings = KafkaSettings.from_options({**options, **more}, environ)
        assert settings.password == secret
        assert settings.python_options()["sasl_plain_password"] == PASSWORD
        assert settings.python_options()["ssl_check_hostname"] is True
        assert settings.confluent_options()["sasl.password"] == PASSWORD
        assert PASSWORD not in repr(settings)
        with pytest.raises(TypeError, match="cannot be copied"):
            pickle.dumps(settings)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bootstrap": "b", "password": "x"}, "does not belong into the configuration"),
        ({"bootstrap": ""}, "bootstrap is empty"),
        ({"bootstrap": "b", "protocol": "TLS"}, "use one of PLAINTEXT, SSL, SASL_SSL"),
        ({"bootstrap": "b", "protocol": "SASL_PLAINTEXT"}, "needs a user and a password"),
        (
            {"bootstrap": "b", "protocol": "SASL_SSL", "mechanism": "OAUTHBEARER"},
            "needs token_file",
        ),
        (
            {"bootstrap": "b", "client_settings": {"sasl.password": "x"}},
            "a secret does not belong into the configuration",
        ),
        ({"bootstrap": "b", "client_settings": {"group_id": "x"}}, "set by the service"),
        ({"bootstrap": "b", "client_settings": {"isolation.level": "x"}}, "set by the service"),
        ({"bootstrap": "b", "client_settings": {"fetch.min.bytes": [1]}}, "give a text, a number"),
        ({"bootstrap": "b", "protocol": "SASL_SSL"}, "needs a user and a password"),
        ({"bootstrap": "b", "mechanism": "MD5"}, "mechanism 'MD5' is not known"),
        ({"bootstrap": "b", "client": "java"}, "client 'java' is not known"),
        ({"bootstrap": "b", "keyfile": "k"}, "keyfile is set without certfile"),
        ({"bootstrap": "b", "user": "x"}, "option 'user' is not known"),
        (
            {"bootstrap": "b", "protocol": "SASL_SSL", "username": "u", "password_file": "/no"},
            "password_file: cannot read '/no'",
        ),
    ],
)
def test_settings_that_cannot_work_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        KafkaSettings.from_options(options, environ={})


def test_an_empty_secret_file_is_refused(tmp_path):
    path = tmp_path / "empty"
    path.write_text("\n")
    options = {"bootstrap": "b", "protocol": "SASL_SSL", "username_file": str(path)}
    with pytest.raises(ValueError, match="exactly one line"):
        KafkaSettings.from_options(options, environ={})


def test_sasl_without_encryption_is_allowed_with_a_warning(password_file, caplog):
    options = {"bootstrap": "b:9", "username": USER, "password_file": str(password_file)}
    for mechanism, words in (("PLAIN", "records and the credentials"), ("SCRAM-SHA-512", "all")):
        caplog.clear()
        table = {**options, "protocol": "SASL_PLAINTEXT", "mechanism": mechanism}
        settings = KafkaSettings.from_options(table, environ={})
        assert words in caplog.text
        python, confluent = settings.python_options(), settings.confluent_options()
        assert python["sasl_plain_password"] == confluent["sasl.password"] == PASSWORD
        assert "ssl_cafile" not in python
        assert PASSWORD not in caplog.text


def test_a_bearer_token_is_read_anew_from_its_file(tmp_path):
    claims = base64.urlsafe_b64encode(b'{"exp": 1900000000}').decode().rstrip("=")
    path = tmp_path / "token"
    path.write_text(f"h.{claims}.s\n")
    table = {"protocol": "SASL_SSL", "mechanism": "OAUTHBEARER", "token_file": str(path)}
    settings = KafkaSettings.from_options({"bootstrap": "b:9", **table}, environ={})
    ask = settings.confluent_options()["oauth_cb"]
    provider = settings.python_options()["sasl_oauth_token_provider"]
    assert ask("") == (f"h.{claims}.s", 1900000000.0)
    path.write_text("opaque\n")
    assert provider.token() == "opaque"
    token, until = ask("")
    assert (token, 0 < until - time.time() <= 300) == ("opaque", True)


@pytest.mark.parametrize("client", CLIENTS)
def test_settings_of_the_client_are_passed_on(client, kafka_bootstrap, topics):
    name = {"confluent": "fetch.wait.max.ms", "kafka-python": "fetch_max_wait_ms"}[client]
    table = {"bootstrap": kafka_bootstrap, "client": client}
    settings = KafkaSettings.from_options({**table, "client_settings": {name: 100}}, {})
    KafkaSource(settings, topics.make()).close()
    wrong = KafkaSettings.from_options({**table, "client_settings": {"no.such.thing": 1}}, {})
    with pytest.raises(SourceError, match=r"client_settings: .* says: .*no.such.thing"):
        KafkaSource(wrong, topics.make())
    with pytest.raises(SinkError, match=r"client_settings: .* says: .*no.such.thing"):
        KafkaSink(wrong, topics.make())


def test_confluent_is_the_client_where_it_is_installed(monkeypatch):
    assert KafkaSettings.from_options({"bootstrap": "b"}, {}).client == "confluent"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert KafkaSettings.from_options({"bootstrap": "b"}, {}).client == "kafka-python"


@pytest.mark.parametrize(
    ("client", "version", "words"),
    [
        ("kafka-python", "2.3.3", "kafka-python 2.3.3 is installed, which is too old"),
        ("kafka-python", "3.0.9", "too old; pip install 'kafka-python>=3.0.11,<3.1'"),
        ("kafka-python", "3.0.11", None),
        ("kafka-python", "3.0.99", None),
        ("kafka-python", "3.1.0", "newer than any it was tried with"),
        ("confluent", "2.5.3", "client = 'confluent': confluent-kafka 2.5.3 is installed"),
        ("confluent", "11.0", None),
    ],
)
def test_another_version_of_a_client_is_named_at_the_start(monkeypatch, client, version, words):
    monkeypatch.setattr("connectors.kafka.versions.metadata.version", lambda _: version)
    check = check_version.__wrapped__  # it remembers what is installed
    if words is None:
        check(client)
        return
    with pytest.raises(ValueError, match=words):
        check(client)


def test_a_client_that_is_not_installed_is_named(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr("connectors.kafka.versions.metadata.version", missing)
    with pytest.raises(ValueError, match=r"not installed; pip install 'stream-rnn\[confluent\]'"):
        check_version.__wrapped__("confluent")


@pytest.mark.parametrize(
    ("guard", "part"),
    [
        (complete_joins, "_coordinator._join_task"),
        (create_no_topics, "_metadata.config"),
        (end_at_once, "_sender.force_close"),
    ],
)
def test_a_private_part_that_is_not_there_is_named(guard, part):
    with pytest.raises(ValueError, match=f"SimpleNamespace has no {part}; install 3"):
        guard(SimpleNamespace())


# -- Kerberos, without a realm: what the clients are told, and what is missing -------------

KERBEROS = {"bootstrap": "b:1", "protocol": "SASL_SSL", "mechanism": "GSSAPI"}


def test_kerberos_in_the_words_of_both_clients(monkeypatch):
    monkeypatch.setattr("connectors.kafka.settings.check_kerberos", lambda client: None)
    python = KafkaSettings.from_options({**KERBEROS, "client": "kafka-python"}, {})
    assert python.python_options()["sasl_kerberos_service_name"] == "kafka"
    assert "sasl_kerberos_domain_name" not in python.python_options()
    named = {**KERBEROS, "kerberos_service": "brokers", "kerberos_domain": "example.org"}
    named = KafkaSettings.from_options({**named, "client": "kafka-python"}, {}).python_options()
    assert named["sasl_mechanism"] == "GSSAPI"
    assert named["sasl_kerberos_service_name"] == "brokers"
    assert named["sasl_kerberos_domain_name"] == "example.org"
    assert "sasl_plain_username" not in named
    keytab = {"sasl.kerberos.keytab": "/etc/k", "sasl.kerberos.principal": "rnn@R"}
    options = {**KERBEROS, "client": "confluent", "client_settings": keytab}
    told = KafkaSettings.from_options(options, {}).confluent_options()
    assert told["sasl.kerberos.service.name"] == "kafka"
    assert told["sasl.kerberos.keytab"] == "/etc/k"
    with pytest.raises(ValueError, match="kerberos_domain: client 'confluent' finds it by itself"):
        KafkaSettings.from_options({**options, "kerberos_domain": "d"}, {}).confluent_options()


def test_kerberos_names_the_package_that_is_missing(monkeypatch):
    monkeypatch.setattr("connectors.kafka.kerberos.importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"needs the package gssapi: pip install 'stream-rnn\[ker"):
        KafkaSettings.from_options({**KERBEROS, "client": "kafka-python"}, {})
    monkeypatch.setattr("connectors.kafka.kerberos._librdkafka_can", lambda: False)
    with pytest.raises(ValueError, match="this confluent-kafka was built without Kerberos"):
        KafkaSettings.from_options({**KERBEROS, "client": "confluent"}, {})


@pytest.mark.parametrize(("can", "client"), [(True, "confluent"), (False, "kafka-python")])
def test_a_confluent_without_kerberos_is_not_the_default_for_it(monkeypatch, can, client):
    monkeypatch.setattr("connectors.kafka.settings.check_kerberos", lambda client: None)
    monkeypatch.setattr("connectors.kafka.kerberos._librdkafka_can", lambda: can)
    assert KafkaSettings.from_options(KERBEROS, {}).client == client


def test_kerberos_takes_no_password(password_file):
    options = {**KERBEROS, "username": "rnn", "password_file": str(password_file)}
    with pytest.raises(ValueError, match="takes no username and no password"):
        KafkaSettings.from_options(options, {})


def test_a_password_in_a_file_is_read_for_every_new_client(password_file):
    options = {"bootstrap": "b:9093", "protocol": "SASL_SSL", "username": USER}
    settings = KafkaSettings.from_options({**options, "password_file": str(password_file)}, {})
    assert settings.python_options()["sasl_plain_password"] == PASSWORD
    password_file.write_text("a new one\n")
    assert settings.python_options()["sasl_plain_password"] == "a new one"
    assert settings.confluent_options()["sasl.password"] == "a new one"
    password_file.unlink()  # for a moment
    assert settings.python_options()["sasl_plain_password"] == "a new one"
    assert "new one" not in repr(settings)


def test_a_password_is_refused_when_nothing_else_is_said():
    pytest.importorskip("confluent_kafka")
    from connectors.kafka.confluent_consumer import KafkaError, Problems

    problems, wrong, gone = Problems(), KafkaError._AUTHENTICATION, KafkaError._TRANSPORT
    for code, expected in [(gone, False), (wrong, False), (wrong, False), (gone, False)]:
        problems(KafkaError(code))
        assert problems.is_refused() == expected
    problems(KafkaError(wrong))
    assert problems.is_refused()
    problems(KafkaError(KafkaError._RESOLVE))
    assert not problems.is_refused()


@pytest.mark.parametrize("commits", [0, 3])
def test_a_password_that_has_worked_is_waited_for(monkeypatch, commits):
    """It is being renewed; one that never worked needs a person."""
    monkeypatch.setattr(member, "PAUSE", 0.01)
    attempts, seen = [], Dependency("source")

    def join():
        attempts.append(seen.status().state)
        if len(attempts) < 3:
            raise Denied("not its credentials")
        raise Gone("the test is over")

    one = member.Member(join, lambda _: None, ["t"], dependency=seen)
    one.membership.commits = commits
    with pytest.raises(Gone if commits else Denied):
        one.run()
    assert attempts == ["connecting", "down", "down"][: 3 if commits else 1]


@pytest.mark.slow
@pytest.mark.timeout(280)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_password_is_renewed_while_it_runs(tmp_path, client):
    """The brokers have the new one first, are started again, and the file follows."""
    with Broker(sasl=True) as broker:
        topics = Topics(broker.bootstrap)
        topics.add_user(USER, PASSWORD)
        job, password = Job(topics, tmp_path, client=client), tmp_path / "password"
        password.write_text(PASSWORD)
        table = f"""bootstrap = "127.0.0.1:{broker.sasl_port}"
protocol = "SASL_SSL"
username = "{USER}"
password_file = "{password}"
cafile = "{broker.data / "tls.pem"}"
"""
        text = job.config.read_text()
        job.config.write_text(text.replace(f'bootstrap = "{topics.bootstrap}"\n', table))
        job.fill(600)
        with job.service("--set", "source.stop_at_end=false") as running:
            wait_until(lambda: len(topics.read(job.out)[0]) == 600, running)
            topics.add_user(USER, "another")
            broker.stop()
            broker.start()
            running.wait_for("not its credentials|does not accept this client's credentials", 90)
            password.write_text("another")
            running.wait_for("is up again", 90)
            job.fill(400)
            wait_until(lambda: len(topics.read(job.out)[0]) == 1000, running)
            assert running.terminate() == 0, running.log
        job.verify()
        topics.close()


def wait_until(condition, running, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, running.log
        assert running.process.poll() is None, running.log
        time.sleep(0.2)
