"""Whatever a record contains, it harms itself only: each is once a result or a letter.

Records are drawn from a grammar of nastiness, go through files into every kind of estimator,
and are followed by ordinary ones, which all must have results.
"""

import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream_rnn.assembly.service import service
from stream_rnn.config import from_table

NUMBERS = ["0", "-0.0", "1.5", "NaN", "Infinity", "1e300", "-1e308", "5e-324", "1e999"]
NUMBERS += ["9" * 400, "0." + "1" * 400, "1e-400", "18446744073709551616", "01", "1_000"]
TEXTS = [
    "",
    "NaN",
    "null",
    "true",
    "1",
    "=1+1",
    "\\u0000",
    "\\u001b[31m",
    "\\ud800",
    "\\ud83d\\ude00",
]
TEXTS += ["9999-12-31T00:00:00Z", "-1", "é" * 3, "x" * 3000, "a,b", '\\"', "\\n", "\\u2028"]
SCALARS = st.sampled_from(["null", "true", "false", *NUMBERS]) | st.sampled_from(TEXTS).map(
    '"{}"'.format
)
VALUES = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=2).map(lambda xs: f"[{','.join(xs)}]"),
    SCALARS.map('{{"a":{}}}'.format),
    st.integers(15, 40).map(lambda n: "[" * n + "]" * n),
)
NAMES = st.sampled_from(["u", "y", "id", "t", "text", "", "new\\u0000", "y.lag1", "day.sin1", "ü"])
OBJECTS = st.lists(st.tuples(NAMES, VALUES), max_size=6).map(
    lambda items: "{" + ",".join(f'"{name}":{value}' for name, value in items) + "}"
)
JUNK = st.sampled_from(["{", "[]", "1", '"y"', "{}{}", "\x00", '{"u":1,}', "null", "[" * 5000])
LINES = st.one_of(OBJECTS, OBJECTS, OBJECTS, JUNK).map(lambda line: line.encode())
LINES = LINES | st.binary(min_size=1, max_size=8).filter(
    lambda b: b.strip() and not {10, 13} & set(b)
)

SMALL = {"type": "LSTM", "units": 2}
KINDS = {
    "regressor": {"estimator": {"type": "regressor", "cell": SMALL}},
    "past targets": {"estimator": {"type": "regressor", "cell": SMALL, "target_lags": 2}},
    "classifier": {"estimator": {"type": "classifier", "cell": SMALL}},
    "forecaster": {"estimator": {"type": "forecaster"}},
    "anomaly": {"estimator": {"type": "anomaly"}},
    "keys": {"estimator": {"type": "regressor", "cell": SMALL}, "key": "id"},
    "a model a key": {"estimator": {"type": "forecaster"}, "key": "id", "share": "nothing"},
    "late": {
        "estimator": {"type": "regressor", "cell": SMALL},
        "labels": {"key": "id", "within": 30, "time": "t"},
    },
}


def configuration(kind, folder):
    features = {"target": "y", "exclude": ["text"]}
    if kind != "late":
        features |= {"lags": {"y": [1], "u": [1, 2]}, "exclude": ["text", "t"]}
    if kind in ("keys", "a model a key", "late"):
        features["exclude"] = [name for name in features["exclude"] if name != "id"]
    else:
        features["exclude"].append("id")
    return from_table(
        {
            "source": {"type": "file", "path": f"{folder}/in.jsonl"},
            "sink": {"type": "file", "path": f"{folder}/out.jsonl"},
            "features": features,
            "metrics": {"enabled": False},
            "run": {"copy": ["id", "text", "u"], "max_dead_letter_ratio": 1.0, "batch_records": 5},
            **KINDS[kind],
        }
    )


def ordinary(kind, first, count):
    """Records that nobody refuses; with late labels each is followed by its own."""
    for n in range(first, first + count):
        record = {"u": n % 4, "y": float(n % 3), "id": n if kind == "late" else n % 2}
        record["t"] = 1_700_000_000 + n
        if kind == "classifier":
            record["y"] = "ab"[n % 2]
        if kind != "late":
            yield record
        else:
            yield {**record, "y": None}
            yield {"id": n, "y": record["y"], "t": record["t"]}


@pytest.mark.parametrize("kind", KINDS)
def test_each_record_is_once_a_result_or_a_letter(kind, tmp_path_factory):
    @settings(
        deadline=None, max_examples=5, suppress_health_check=[HealthCheck.too_slow], database=None
    )
    @given(st.lists(LINES, min_size=1, max_size=12))
    def holds(nasty):
        folder = tmp_path_factory.mktemp("nasty")
        before, after = list(ordinary(kind, 1000, 6)), list(ordinary(kind, 2000, 6))
        lines = [*(json.dumps(r).encode() for r in before), *nasty]
        lines += [json.dumps(r).encode() for r in after]
        (folder / "in.jsonl").write_bytes(b"\n".join(lines) + b"\n")
        line = service(configuration(kind, folder))
        counters = line.run()
        line.close()
        rows = [strict(text) for text in (folder / "out.jsonl").read_text().splitlines()]
        path = folder / "out.jsonl.refused.jsonl"
        letters = [strict(text) for text in path.read_text().splitlines()]
        assert counters["consumed"] == len(lines)
        assert all(letter["reason"] and letter["error"] for letter in letters)
        numbers = [letter["offset"] for letter in letters]
        assert numbers == sorted(set(numbers))
        bad = set(numbers)
        good = [n for n in range(len(lines)) if n not in bad]
        assert len(before) <= min(bad, default=len(lines)), "an ordinary record was refused"
        assert max(bad, default=0) < len(lines) - len(after), "an ordinary record was refused"
        if kind == "late":  # no time in between has put an end to time
            assert counters["learned"] >= len(before) // 2 + len(after) // 2
        labels = counters["consumed"] - counters["predicted"] - counters["refused"]
        assert (labels > 0) == (kind == "late")
        assert len(rows) == len(good) - labels
        made = rows[-1].get("prediction", 0.0)
        assert made is None or isinstance(made, str) or math.isfinite(made)

    holds()


def strict(text):
    """JSON without NaN and infinity, and without raw control characters."""

    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    assert text.isprintable() or not {c for c in text if ord(c) < 32}
    return json.loads(text, parse_constant=refuse)
