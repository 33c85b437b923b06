"""Kerberos against a real broker: a realm of its own, a topic read with a ticket from a keytab.

    PYTHONPATH=. python tests/benchmarks/kerberos.py

It needs krb5-kdc and krb5-admin-server of the system, the package gssapi, and what the tests'
broker needs.  No test of the suite has these; it prints what was read, and fails loudly.
"""

import contextlib
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "deploy" / "kafka")]

from kafka_broker import free_port  # noqa: E402

REALM = "TEST.LOCAL"
CONF = """[libdefaults]
 default_realm = {realm}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
[realms]
 {realm} = {{
  kdc = 127.0.0.1:{port}
 }}
"""
KDC = """[kdcdefaults]
 kdc_ports = ""
 kdc_tcp_ports = {port}
[realms]
 {realm} = {{
  database_name = {folder}/principal
  key_stash_file = {folder}/stash
 }}
"""
LISTENER = """
sasl.enabled.mechanisms=GSSAPI
sasl.kerberos.service.name=kafka
listener.name.gss.gssapi.sasl.jaas.config=com.sun.security.auth.module.Krb5LoginModule required \\
  useKeyTab=true storeKey=true keyTab="{folder}/broker.keytab" principal="kafka/localhost@{realm}";
"""


def realm(folder: pathlib.Path) -> subprocess.Popen:
    """A key distribution centre with a broker and a client, whose keytabs lie in *folder*."""
    port = free_port()
    (folder / "krb5.conf").write_text(CONF.format(realm=REALM, port=port))
    (folder / "kdc.conf").write_text(KDC.format(realm=REALM, port=port, folder=folder))
    os.environ["KRB5_CONFIG"] = str(folder / "krb5.conf")
    os.environ["KRB5_KDC_PROFILE"] = str(folder / "kdc.conf")
    os.environ["KRB5CCNAME"] = f"FILE:{folder}/tickets"
    os.environ["KRB5_CLIENT_KTNAME"] = str(folder / "client.keytab")

    def call(*words: str) -> None:
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)

    call("kdb5_util", "create", "-s", "-r", REALM, "-P", "secret")
    for name, keytab in (("kafka/localhost", "broker"), ("client", "client")):
        call("kadmin.local", "-r", REALM, "-q", f"addprinc -randkey {name}")
        call("kadmin.local", "-r", REALM, "-q", f"ktadd -k {folder}/{keytab}.keytab {name}")
    return subprocess.Popen(["krb5kdc", "-n", "-r", REALM])


def node(folder: pathlib.Path, port: int) -> tuple[int, subprocess.Popen]:
    """A broker with a listener for Kerberos on *port*; its plain port, and its process."""
    spec = importlib.util.spec_from_file_location("broker", ROOT / "deploy" / "kafka" / "broker.py")
    broker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(broker)
    gss = f",GSS://127.0.0.1:{port}"
    broker.SETTINGS = broker.SETTINGS.replace("{sasl_listener}", gss).replace(
        "SASL_SSL:SASL_SSL", "GSS:SASL_PLAINTEXT"
    ) + LISTENER.format(folder=folder, realm=REALM)
    broker.JVM.append(f"-Djava.security.krb5.conf={folder}/krb5.conf")
    options = broker.argparse.Namespace(
        data=folder / "data", port=free_port(), sasl=0, controller_port=None, wait=60
    )
    return options.port, broker.launch(options)


def main() -> None:
    import wire

    from connectors.json_rows import encode
    from connectors.kafka.settings import KafkaSettings
    from connectors.kafka.sink import KafkaSink
    from connectors.kafka.source import KafkaSource

    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = pathlib.Path(name).resolve()
        stack.callback(ended, realm(folder))
        port = free_port()
        plain, broker = node(folder, port)
        stack.callback(ended, broker)
        print(wire.create_topics(plain, ["rivers"], 1))
        table = {
            "bootstrap": f"127.0.0.1:{port}",
            "protocol": "SASL_PLAINTEXT",
            "mechanism": "GSSAPI",
            "kerberos_domain": "localhost",
        }
        settings = KafkaSettings.from_options(table, {})
        print("client:", settings.client)
        sink = KafkaSink(settings, "rivers")
        rows = [{"n": n} for n in range(100)]
        sink.write(rows)
        sink.close()
        source, found, end = KafkaSource(settings, "rivers"), [], time.monotonic() + 30
        while len(found) < 100 and time.monotonic() < end:
            found += [record.raw for record in source.next_batch(100, 0.5)]
        source.close()
        assert found == list(map(encode, rows)), found
        print("100 records written and read with a ticket of", REALM)


def ended(process: subprocess.Popen) -> None:
    process.terminate()
    process.wait(30)


if __name__ == "__main__":
    main()
