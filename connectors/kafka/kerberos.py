"""Kerberos (``mechanism = "GSSAPI"``): what each client library needs for it.

The ticket is the system's: of ``kinit``, or of a keytab that KRB5_CLIENT_KTNAME names, from which
the library for kafka-python fetches tickets by itself.  With confluent a keytab is given as
``client_settings = {"sasl.kerberos.keytab" = "…", "sasl.kerberos.principal" = "…"}``.
"""

import importlib.util
from functools import cache
from typing import Any

SERVICE = "kafka"  # the first part of the brokers' own name, as in kafka/host@REALM


def check_kerberos(client: str) -> None:
    """Raise `ValueError` if *client* cannot do it as it is installed."""
    if client == "confluent" and not _librdkafka_can():
        raise ValueError(
            "mechanism 'GSSAPI': this confluent-kafka was built without Kerberos, as its wheels "
            "are; set client = 'kafka-python' and pip install 'stream-rnn[kerberos]', or build "
            "confluent-kafka with a librdkafka that has it"
        )
    if client == "kafka-python" and importlib.util.find_spec("gssapi") is None:
        raise ValueError(
            "mechanism 'GSSAPI': client 'kafka-python' needs the package gssapi: pip install "
            "'stream-rnn[kerberos]', which needs the system's Kerberos (libkrb5-dev, krb5-devel)"
        )


@cache
def _librdkafka_can() -> bool:
    try:
        from confluent_kafka import KafkaException, Producer

        Producer({"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "GSSAPI"})
    except (ImportError, KafkaException):
        return False
    return True


def best_client(default: str) -> str:
    """The client for Kerberos: *default* unless that was built without and the other is there."""
    if default == "confluent" and not _librdkafka_can():
        return "kafka-python"
    return default


def python_words(service: str, domain: str | None) -> dict[str, Any]:
    """In the words of kafka-python."""
    words = {"sasl_kerberos_service_name": service}
    return words if domain is None else {**words, "sasl_kerberos_domain_name": domain}


def confluent_words(service: str, domain: str | None) -> dict[str, Any]:
    """In the words of librdkafka, which finds the domain by itself."""
    if domain is not None:
        raise ValueError("kerberos_domain: client 'confluent' finds it by itself; leave it out")
    return {"sasl.kerberos.service.name": service}
