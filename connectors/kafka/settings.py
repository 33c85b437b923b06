"""How to reach a Kafka cluster: addresses, encryption, credentials that never show.

Secrets come from files (``*_file``) or from the environment, never from a command line or a
configuration file, and nothing here prints or logs them.
"""

import importlib.util
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..secrets import FileSecret, Secret, is_secret, read_line
from .kerberos import SERVICE, best_client, check_kerberos, confluent_words, python_words
from .versions import check_version

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT")
MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", "OAUTHBEARER", "GSSAPI")
CLIENTS = ("kafka-python", "confluent")
OPTIONS = (
    *("bootstrap", "protocol", "mechanism", "username", "username_file", "password_file"),
    *("cafile", "certfile", "keyfile", "key_password_file", "client", "client_id"),
    *("token_file", "kerberos_service", "kerberos_domain", "client_settings"),
)
# What the exactly-once protocol stands on, in the words of both clients.
OWN = {
    *("bootstrap.servers", "group.id", "group.instance.id", "client.id", "security.protocol"),
    *("enable.auto.commit", "enable.auto.offset.store", "isolation.level", "auto.offset.reset"),
    *("transactional.id", "enable.idempotence", "acks", "partition.assignment.strategy"),
    *("max.in.flight.requests.per.connection", "ssl.check.hostname", "message.max.bytes"),
    *("ssl.endpoint.identification.algorithm", "enable.ssl.certificate.verification"),
    *("request.required.acks", "max.request.size", "allow.auto.create.topics", "debug"),
}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KafkaSettings:
    """Where the cluster is and how to talk to it.

    With credentials the connection ought to be encrypted (SASL_SSL), and the broker's host name
    is then always checked.  ``client`` picks the library: "kafka-python", or "confluent" where
    the extra of that name is installed.  ``client_settings`` are passed on to it, in its words.

    >>> KafkaSettings("127.0.0.1:9092").python_options()["security_protocol"]
    'PLAINTEXT'
    >>> KafkaSettings("broker:9093", "SASL_SSL", username="rnn", password=Secret("s3cret"))
    KafkaSettings(bootstrap='broker:9093', protocol='SASL_SSL', mechanism='SCRAM-SHA-512', \
username='rnn', password=Secret('***'), cafile=None, certfile=None, keyfile=None, \
key_password=None, client='kafka-python', client_id='stream-rnn', token_file=None, \
kerberos_service='kafka', kerberos_domain=None, client_settings={})
    """

    bootstrap: str
    protocol: str = "PLAINTEXT"
    mechanism: str = "SCRAM-SHA-512"
    username: str | None = None
    password: Secret | None = None
    cafile: str | None = None
    certfile: str | None = None
    keyfile: str | None = None
    key_password: Secret | None = None
    client: str = "kafka-python"
    client_id: str = "stream-rnn"
    token_file: str | None = None  # of OAUTHBEARER; read again for every new token
    kerberos_service: str = SERVICE  # of GSSAPI: the brokers are SERVICE/host
    kerberos_domain: str | None = None  # where that is not the broker's address
    client_settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.bootstrap:
            raise ValueError("bootstrap is empty; give the brokers as 'host:port,host:port'")
        if "@" in self.bootstrap:
            raise ValueError(
                "bootstrap: credentials do not belong into the addresses; give username and "
                "password_file, or KAFKA_USERNAME and KAFKA_PASSWORD in the environment"
            )
        one_of("protocol", self.protocol, PROTOCOLS)
        one_of("mechanism", self.mechanism, MECHANISMS)
        one_of("client", self.client, CLIENTS)
        check_version(self.client)
        sasl = self.protocol.startswith("SASL_")
        bearer = sasl and self.mechanism == "OAUTHBEARER"
        by_password = sasl and self.mechanism not in ("OAUTHBEARER", "GSSAPI")
        if sasl and self.mechanism == "GSSAPI":
            self._check_kerberos()
        if bearer and self.token_file is None:
            raise ValueError(
                "mechanism 'OAUTHBEARER' needs token_file, the path of a file with the token, "
                "which whoever renews it writes anew"
            )
        if by_password and (self.username is None or self.password is None):
            raise ValueError(
                f"protocol {self.protocol!r} needs a user and a password: set username (or "
                "username_file) and password_file, or KAFKA_USERNAME and KAFKA_PASSWORD in the "
                "environment"
            )
        if self.protocol == "SASL_PLAINTEXT":
            log.warning(
                "protocol 'SASL_PLAINTEXT': who listens on the network reads all records%s; use "
                "SASL_SSL wherever the brokers offer it",
                " and the credentials" if self.mechanism in ("PLAIN", "OAUTHBEARER") else "",
            )
        check_client_settings(self.client_settings)
        if not sasl and self.password is not None:
            raise ValueError(
                f"a password with protocol {self.protocol!r} would not be used or not be "
                "encrypted; set protocol = 'SASL_SSL'"
            )
        if self.keyfile is not None and self.certfile is None:
            raise ValueError("keyfile is set without certfile; give both or neither")

    def _check_kerberos(self) -> None:
        if self.username is not None or self.password is not None:
            raise ValueError(
                "mechanism 'GSSAPI' takes no username and no password: the user is the one of the "
                "Kerberos ticket; leave them out"
            )
        check_kerberos(self.client)

    @classmethod
    def from_options(
        cls, options: Mapping[str, Any], environ: Mapping[str, str] = os.environ
    ) -> "KafkaSettings":
        """From a configuration table; what it leaves out may come from the environment.

        KAFKA_BOOTSTRAP, KAFKA_USERNAME, KAFKA_PASSWORD, KAFKA_PASSWORD_FILE and
        KAFKA_KEY_PASSWORD_FILE are read.  Raises ValueError that names the option.
        """
        if "password" in options or "key_password" in options:
            raise ValueError(
                "a password does not belong into the configuration; put it into a file that only "
                "the service can read and give its path as password_file, or set KAFKA_PASSWORD"
            )
        for name in options:
            one_of("option", name, OPTIONS)
        values = {
            name: value
            for name, value in options.items()
            if name not in ("username_file", "password_file", "key_password_file")
        }
        values.setdefault("bootstrap", environ.get("KAFKA_BOOTSTRAP", ""))
        if username_file := options.get("username_file"):
            values["username"] = read_line("username_file", username_file)
        elif "KAFKA_USERNAME" in environ:
            values.setdefault("username", environ["KAFKA_USERNAME"])
        values.setdefault("client", default_client(values.get("mechanism")))
        if str(values.get("protocol", "")).startswith("SASL_"):
            values["password"] = find_secret("password", options, environ)
        if values.get("keyfile"):
            values["key_password"] = find_secret("key_password", options, environ)
        return cls(**values)

    def python_options(self) -> dict[str, Any]:
        """The keyword arguments that every kafka-python client takes."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap.split(","),
            "client_id": self.client_id,
            "security_protocol": self.protocol,
            "metrics_enabled": False,  # nobody reads the client's own
        }
        if self.protocol.endswith("SSL"):
            options |= {
                "ssl_check_hostname": True,
                "ssl_cafile": self.cafile,
                "ssl_certfile": self.certfile,
                "ssl_keyfile": self.keyfile,
                "ssl_password": self.key_password.reveal() if self.key_password else None,
            }
        if self.protocol.startswith("SASL_"):
            options["sasl_mechanism"] = self.mechanism
            if self.mechanism == "OAUTHBEARER":
                from .tokens import python_provider

                options["sasl_oauth_token_provider"] = python_provider(str(self.token_file))
            elif self.mechanism == "GSSAPI":
                options |= python_words(self.kerberos_service, self.kerberos_domain)
            elif self.password is not None:
                options["sasl_plain_username"] = self.username
                options["sasl_plain_password"] = self.password.reveal()
        own = {name.replace(".", "_"): value for name, value in self.client_settings.items()}
        return options | own

    def confluent_options(self) -> dict[str, Any]:
        """The configuration that every librdkafka client takes."""
        options: dict[str, Any] = {
            "bootstrap.servers": self.bootstrap,
            "client.id": self.client_id,
            "security.protocol": self.protocol,
            "log_level": 5,  # what it only tells goes to stderr as it stands once a client closes
        }
        if self.protocol.endswith("SSL"):
            options["ssl.endpoint.identification.algorithm"] = "https"
            files = {
                "ssl.ca.location": self.cafile,
                "ssl.certificate.location": self.certfile,
                "ssl.key.location": self.keyfile,
            }
            options |= {name: path for name, path in files.items() if path is not None}
            if self.key_password:
                options["ssl.key.password"] = self.key_password.reveal()
        if self.protocol.startswith("SASL_"):
            options["sasl.mechanism"] = self.mechanism
            if self.mechanism == "OAUTHBEARER":
                from .tokens import confluent_callback

                options["oauth_cb"] = confluent_callback(str(self.token_file))
            elif self.mechanism == "GSSAPI":
                options |= confluent_words(self.kerberos_service, self.kerberos_domain)
            elif self.password is not None:
                options["sasl.username"] = self.username
                options["sasl.password"] = self.password.reveal()
        own = {name.replace("_", "."): value for name, value in self.client_settings.items()}
        if "log.level" in own:  # the one name of librdkafka's that has no dot
            own["log_level"] = own.pop("log.level")
        return options | own


def default_client(mechanism: str | None = None) -> str:
    """confluent-kafka where it is installed: it reads and sends several times as fast.

    With Kerberos only if it was built with it.
    """
    there = CLIENTS[1] if importlib.util.find_spec("confluent_kafka") else CLIENTS[0]
    return best_client(there) if mechanism == "GSSAPI" else there


def check_client_settings(settings: Mapping[str, Any]) -> None:
    """Raise `ValueError` for a setting that is a secret, or that correctness stands on."""
    for name, value in settings.items():
        plain = name.replace("_", ".")
        if is_secret(name) or plain in ("sasl.oauthbearer.config", "sasl.jaas.config"):
            raise ValueError(
                f"client_settings.{name}: a secret does not belong into the configuration; give "
                "password_file, key_password_file or token_file"
            )
        if plain in OWN:
            raise ValueError(
                f"client_settings.{name}: this is set by the service; leave it out (see "
                "bootstrap, group, client_id, protocol, start)"
            )
        if not isinstance(value, str | int | float | bool):
            raise ValueError(f"client_settings.{name}: give a text, a number, true or false")


def one_of(field: str, value: Any, allowed: tuple[str, ...]) -> None:
    """Raise `ValueError` for a value that is not among those *allowed*."""
    if value not in allowed:
        raise ValueError(f"Kafka {field} {value!r} is not known; use one of {', '.join(allowed)}")


def find_secret(name: str, options: Mapping[str, Any], environ: Mapping[str, str]) -> Secret | None:
    """From the file the option names, the file the environment names, or the environment."""
    variable = f"KAFKA_{name.upper()}"
    if path := options.get(f"{name}_file") or environ.get(f"{variable}_FILE"):
        return FileSecret(f"{name}_file", path)
    return Secret(environ[variable]) if variable in environ else None
