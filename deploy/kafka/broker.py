"""A single Apache Kafka node (KRaft) on 127.0.0.1, without containers.

    python deploy/kafka/broker.py start
    python deploy/kafka/broker.py topic rides predictions --partitions 4
    python deploy/kafka/broker.py stop

``start`` returns when the node answers, ``run`` stays in the foreground.  The jars come from
Maven Central (the list is pom.xml) and are kept in the user's cache folder, so that only the
first start needs a network.  Needs Java 17 or later, and Maven for the first start.

For development and tests: one node, no replication, no authentication unless ``--sasl`` is
given (its users are made over the plain listener), no listener outside this machine.
"""

import argparse
import base64
import hashlib
import os
import pathlib
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import wire
from wire import HOST

HERE = pathlib.Path(__file__).resolve().parent
STOP_SECONDS = 60  # a node that does not end by then is killed
JVM = ["-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
JVM += ["-Djava.awt.headless=true", "-Dorg.slf4j.simpleLogger.showDateTime=true"]
JVM += ["-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS"]
JVM += ["-Dorg.slf4j.simpleLogger.showThreadName=false"]

SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}{sasl_listener}
advertised.listeners=PLAINTEXT://{host}:{port}{sasl_listener}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL
inter.broker.listener.name=PLAINTEXT
log.dirs={data}/log
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.segment.delete.delay.ms=1000
log.retention.check.interval.ms=1000
log.initial.task.delay.ms=1000
num.network.threads=2
num.io.threads=4
num.recovery.threads.per.data.dir=2
"""

SASL_SETTINGS = r"""
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=\
  org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PKCS12
ssl.keystore.location={data}/tls.p12
ssl.keystore.password={password}
ssl.key.password={password}
"""


def cache_folder() -> pathlib.Path:
    """Where the jars of this pom.xml are kept; another pom.xml, another folder."""
    root = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    digest = hashlib.sha256((HERE / "pom.xml").read_bytes()).hexdigest()[:12]
    return pathlib.Path(root) / "stream-rnn" / f"kafka-{digest}"


def data_folder() -> pathlib.Path:
    """Where the node keeps its log unless it is told otherwise."""
    root = os.environ.get("XDG_DATA_HOME") or pathlib.Path.home() / ".local" / "share"
    return pathlib.Path(root) / "stream-rnn" / "kafka"


def program(name: str, remedy: str) -> str:
    path = shutil.which(name)
    if path is None:
        sys.exit(f"broker.py: there is no {name!r} on the PATH; {remedy}")
    return path


def fetch_jars() -> pathlib.Path:
    """The folder of jars, filled on first use; a broken download leaves nothing behind."""
    jars = cache_folder()
    if jars.is_dir():
        return jars
    maven = program("mvn", "install Maven (apt-get install maven)")
    jars.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=jars.parent) as scratch:
        fresh = pathlib.Path(scratch) / "jars"
        command = [maven, "-B", "-q", "-f", str(HERE / "pom.xml")]
        command += ["dependency:copy-dependencies", "-DincludeScope=runtime"]
        command += [f"-DoutputDirectory={fresh}"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, cwd=scratch)
        if done.returncode != 0:
            sys.exit("broker.py: Maven could not fetch the jars; see its message above")
        try:
            fresh.rename(jars)
        except OSError:  # another process was faster
            if not jars.is_dir():
                raise
    return jars


def free_port() -> int:
    """One that the system gives to no outgoing connection before the node has taken it."""
    while True:
        port = secrets.randbelow(12_000) + 20_000  # below the usual range of such connections
        with socket.socket() as s:
            try:
                s.bind((HOST, port))
            except OSError:
                continue
            return port


def java(jars: pathlib.Path, *arguments: str) -> list[str]:
    java = program("java", "install Java 17 (apt-get install default-jre-headless)")
    return [java, *JVM, "-cp", f"{jars}/*", *arguments]


def make_certificate(data: pathlib.Path, password: str) -> None:
    """A self-signed certificate for 127.0.0.1: tls.p12 for the node, tls.pem for clients."""
    keytool = program("keytool", "it comes with Java")
    environment = {**os.environ, "BROKER_STORE_PASSWORD": password}

    def call(*arguments: str) -> None:
        store = ["-keystore", str(data / "tls.p12"), "-storepass:env", "BROKER_STORE_PASSWORD"]
        command = [keytool, *arguments, "-alias", "node", *store]
        subprocess.run(command, check=True, env=environment, capture_output=True)

    names = ["-dname", "CN=localhost", "-ext", "san=ip:127.0.0.1,dns:localhost"]
    key = ["-keyalg", "EC", "-groupname", "secp256r1", "-validity", "3650"]
    call("-genkeypair", *key, *names, "-storetype", "PKCS12")
    call("-exportcert", "-rfc", "-file", str(data / "tls.pem"))


def prepare(options: argparse.Namespace, jars: pathlib.Path) -> pathlib.Path:
    """Write server.properties and format the log folder once; returns the properties file."""
    data = options.data
    data.mkdir(parents=True, exist_ok=True)
    values = {"host": HOST, "port": options.port, "data": data, "sasl_listener": ""}
    values["controller_port"] = options.controller_port or free_port()
    text = SETTINGS
    if options.sasl:
        values["sasl_listener"] = f",SASL_SSL://{HOST}:{options.sasl}"
        values["password"] = store_password(data)
        text += SASL_SETTINGS
    properties = data / "server.properties"
    properties.touch(mode=0o600)
    properties.write_text(text.format(**values))
    if not (data / "log" / "meta.properties").exists():
        command = java(jars, "kafka.tools.StorageTool", "format", "-t", cluster_id())
        command += ["-c", str(properties)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"broker.py: formatting {data} failed:\n{done.stdout}{done.stderr}")
    return properties


def cluster_id() -> str:
    """16 random bytes in base64; the first is small, as a leading "-" would look like an option."""
    random = bytes([secrets.randbelow(128)]) + secrets.token_bytes(15)
    return base64.urlsafe_b64encode(random).decode().rstrip("=")


def store_password(data: pathlib.Path) -> str:
    """The key store's password, made on first use and readable by its owner only."""
    path = data / "tls.password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(24))
        make_certificate(data, path.read_text())
    return path.read_text()


def topic(options: argparse.Namespace) -> None:
    """Create topics; what is wrong with one does not keep the others from being made."""
    if not options.names:
        sys.exit("broker.py: topic: give the names of the topics to create")
    try:
        problems = wire.create_topics(options.port, options.names, options.partitions)
    except OSError as error:
        sys.exit(f"broker.py: no node answers on {HOST}:{options.port} ({error}); start one")
    for name, problem in problems.items():
        print(f"{name}: {problem or 'created'}")
    if any(problems.values()):
        sys.exit(1)


def running(data: pathlib.Path) -> int | None:
    """The process id of the node that owns *data*, or None."""
    try:
        pid = int((data / "pid").read_text())
    except (FileNotFoundError, ValueError):
        return None
    return pid if str(data / "server.properties") in process_field(pid, "command") else None


def process_field(pid: int, field: str) -> str:
    """What ps knows of a process, at full width; nothing if it has ended."""
    command = ["ps", "-ww", "-o", f"{field}=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def launch(options: argparse.Namespace) -> subprocess.Popen:
    """Start the node and wait until it answers."""
    if running(options.data):
        sys.exit(f"broker.py: a node is already running on {options.data}; stop it first")
    if wire.answers(options.port):
        sys.exit(f"broker.py: port {options.port} is taken by another node; choose --port")
    jars = fetch_jars()
    properties = prepare(options, jars)
    with open(options.data / "server.log", "ab") as log:
        node = subprocess.Popen(
            java(jars, "kafka.Kafka", str(properties)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=options.data,
            start_new_session=True,
        )
    (options.data / "pid").write_text(str(node.pid))
    deadline = time.monotonic() + options.wait
    while not wire.answers(options.port):
        if node.poll() is not None or time.monotonic() > deadline:
            node.kill()
            tail = (options.data / "server.log").read_text(errors="replace")[-3000:]
            sys.exit(f"broker.py: the node did not come up in {options.wait:g} s:\n{tail}")
        time.sleep(0.1)
    print(f"Kafka answers on {HOST}:{options.port}, log in {options.data}/server.log", flush=True)
    return node


def start(options: argparse.Namespace) -> None:
    """In the background; returns when it answers."""
    launch(options)


def run(options: argparse.Namespace) -> None:
    """In the foreground until SIGTERM, SIGINT or, with --with-stdin, the end of stdin."""

    def leave(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, leave)
    node = launch(options)
    if options.with_stdin:  # so that the node never outlives the process that wanted it

        def watch() -> None:
            sys.stdin.buffer.read()
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=watch, daemon=True).start()
    try:
        status = node.wait()
        sys.exit(f"broker.py: the node ended by itself with status {status}")
    except KeyboardInterrupt:
        node.terminate()
        try:
            node.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            node.kill()
        (options.data / "pid").unlink(missing_ok=True)


def stop(options: argparse.Namespace) -> None:
    """Ask the node to end and wait for it."""
    pid = running(options.data)
    if pid is None:
        print("no node is running there")
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while running(options.data) == pid:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
    (options.data / "pid").unlink(missing_ok=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("command", choices=["start", "run", "stop", "topic", "fetch"])
    parser.add_argument("names", nargs="*", help="topic: the topics to create")
    parser.add_argument("--partitions", type=int, default=1, help="topic: of each (default 1)")
    parser.add_argument("--data", type=pathlib.Path, help="folder of the node's log")
    parser.add_argument("--port", type=int, default=9092, help="for clients (default 9092)")
    parser.add_argument("--controller-port", type=int, default=0, help="default: a free one")
    sasl = "also listen there with SASL_SSL and SCRAM-SHA-512; certificate in DATA/tls.pem"
    parser.add_argument("--sasl", type=int, default=0, metavar="PORT", help=sasl)
    parser.add_argument("--wait", type=float, default=120, help="seconds until it must answer")
    parser.add_argument("--with-stdin", action="store_true", help="run: end when stdin ends")
    options = parser.parse_args()
    if options.command == "fetch":
        print(fetch_jars())
        return
    options.data = (options.data or data_folder()).resolve()
    {"start": start, "run": run, "stop": stop, "topic": topic}[options.command](options)


if __name__ == "__main__":
    main()
