"""Text in the records of an anomaly detector: how rare a value is, is looked at."""

import numpy as np
import pytest

from stream_rnn.categories.rarity import Rarity
from stream_rnn.errors import BadRecord
from stream_rnn.estimators.anomaly import RecurrentAnomalyDetector

CODES = ("200", "204", "404")


def detector(**settings):
    return RecurrentAnomalyDetector(forecaster=False, **settings)


def records(n=700, seed=0, text=True):
    """A load, and the zone and answer of a request."""
    rng = np.random.default_rng(seed)
    for _ in range(n):
        x = {"load": float(rng.normal())}
        zone, code = ("north", "south", "west")[rng.integers(3)], f"code {rng.choice(CODES)}"
        yield {**x, "zone": zone, "code": code} if text else x


def naive(values):
    """−log p by definition, but with the counts of the bins of eight an octave."""
    found = []
    for n, value in enumerate(values):
        count = {v: values[:n].count(v) for v in values[:n]}
        own = count.get(value, 0)
        alike = [c for c in count.values() if (c <= 2 * own if own else c == 1)]
        found.append(np.log((n + 1) / (sum(alike) + 0.5)))
    return found


def test_rarity_is_that_of_the_equation_whatever_was_saved_between():
    rng = np.random.default_rng(0)
    values = [f"v{i}" for i in rng.zipf(2.0, 60)]  # counts below 16 have a bin each
    rarity, made = Rarity(), []
    for value in values:
        made.append(rarity.surprise(value))
        rarity.learn(value)
        again = Rarity()
        again.load(rarity.packed())
        rarity = again
    assert made == pytest.approx(naive(values))


def test_memory_of_values_is_bounded_and_the_frequent_are_kept():
    rarity = Rarity(most=50)
    for n in range(1000):
        rarity.learn(f"id{n}")
        rarity.learn("always")
    assert len(rarity.young) + len(rarity.old) <= 100
    assert rarity.count("always") == 1000
    assert sum(rarity.mass) == rarity.seen == 2000


def test_a_new_value_among_few_raises_an_alarm_and_is_named():
    xs = [*records()]
    xs[650] = {**xs[650], "zone": "mars"}
    found = [
        (t, r["field"], r["reason"]) for t, r in enumerate(detector().stream(xs)) if r["alarm"]
    ]
    assert found[-1] == (650, "zone", "value of zone: 'mars' is new in 650 records")
    assert len(found) <= 1 + 3 * np.log2(700 / 188)


@pytest.mark.parametrize("kind", ["few", "Zipf", "identifiers", "rare"])
def test_false_alarms_are_below_what_was_allowed(kind):
    rng = np.random.default_rng(1)
    values = {
        "few": rng.integers(5, size=4000),
        "Zipf": rng.zipf(1.3, size=4000),
        "identifiers": np.arange(4000),
        "rare": rng.random(4000) < 0.01,
    }[kind]
    rows = detector().stream([{"id": f"v{v}"} for v in values])
    assert sum(r["alarm"] for r in rows) <= 3 * np.log2(4000 / 188)


def test_text_does_no_harm_to_what_is_found_in_numbers():
    alarms = []
    for text in (False, True):
        found = 0
        for seed in range(4):
            xs = [*records(420, seed, text)]
            xs[400]["load"] = 9.0
            found += detector().stream(xs)[400]["alarm"]
        alarms.append(found)
    assert alarms[1] >= alarms[0] >= 3


def test_one_at_a_time_in_chunks_and_after_a_restore_alike():
    xs = [*records(240)]
    xs[30]["zone"] = None
    del xs[31]["code"]
    xs[200]["zone"] = "mars"
    for x in xs[:40]:
        x.pop("code", None)  # text that appears later
    whole, parts, other, single = (detector() for _ in range(4))
    expected = whole.stream(xs)
    first = parts.stream(xs[:77])
    other.restore(parts.snapshot())
    assert first + other.stream(xs[77:]) == expected
    scores = []
    for x in xs:
        scores.append(single.score_one(x))
        single.learn_one(x)
    assert [s for t, s in enumerate(scores) if t != 40] == [
        r["score"] for t, r in enumerate(expected) if t != 40
    ]


def test_what_is_text_is_decided_by_the_first_value_or_a_rule():
    xs = [{"a": 1.0, "b": "x"}, {"a": "two", "b": 3}, {"a": 2, "b": "y"}]
    model = detector()
    assert list(model.check(xs)) == [1]
    with pytest.raises(BadRecord, match=r"categorical = \{a = \"statistics\"\}"):
        model.stream(xs)
    assert model.stream(xs[::2])[1]["scores"].keys() == {"a", "b"}
    ruled = detector(categorical={"a": "statistics", "b": "leave"})
    assert ruled.stream(xs)[1]["scores"].keys() == {"a"}
    assert ruled._each.rarities[0].count("two") == 1
