"""A real Spark on this machine, small: two cores, 1 GB."""

import os
import sys
import warnings

import pytest

HERE = os.path.dirname(__file__)
#: What pyspark and its gateway warn of, none of it ours.
WARNINGS = (
    "ignore:PySpark does not yet fully support pandas:FutureWarning",
    "ignore::ResourceWarning",
    "ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning",
)


def pytest_collection_modifyitems(items):
    for item in items:
        if str(item.path).startswith(HERE):
            for text in WARNINGS:
                item.add_marker(pytest.mark.filterwarnings(text))


def make_session(partitions=2, **settings):
    """A session; what a test says of it is in Spark's own words, dots written as double ones."""
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pyspark, about a newer pandas and sockets
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.master("local[2]").appName("tests")
        options = {
            "spark.driver.memory": "1g",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.python.unix.domain.socket.enabled": "true",
            "spark.sql.shuffle.partitions": partitions,
            "spark.sql.session.timeZone": "UTC",
            "spark.log.level": "ERROR",
        } | {name.replace("__", "."): value for name, value in settings.items()}
        for name, value in options.items():
            builder = builder.config(name, value)
        return builder.getOrCreate()


@pytest.fixture(scope="session")
def spark():
    session = make_session()
    yield session
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        session.stop()
