"""Lags: values so many records before, of numbers and of text, whatever came between."""

from hypothesis import given, settings
from hypothesis import strategies as st

from stream_rnn import RecurrentRegressor
from stream_rnn.features.rows import Rows

LAGS = {"zone": [1, 3], "load": [2]}
VALUES = st.fixed_dictionaries(
    {"zone": st.sampled_from(["north", "south", None, 7])},
    optional={"load": st.sampled_from([1.5, 2, None, "broken", float("inf")])},
)


def naive(values):
    """The lags by definition: the first known value of a field says what it holds."""
    made = []
    for t in range(len(values)):
        x = {}
        for field, steps in LAGS.items():
            known = [v.get(field) for v in values if v.get(field) is not None]
            is_text = bool(known) and isinstance(known[0], str)
            for step in steps:
                value = values[t - step].get(field) if t >= step else None
                keeps = is_text if isinstance(value, str) else value not in (None, float("inf"))
                if keeps:
                    x[f"{field}.lag{step}"] = value
        made.append(x)
    return made


@settings(max_examples=100, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=12), st.integers(1, 5), st.integers(0, 12))
def test_lags_are_those_of_the_definition_however_the_records_come(values, size, stop):
    rows, made = Rows(include=["none"], lags=LAGS), []
    for at in range(0, len(values), size):
        if at >= stop:  # a crash
            again = Rows(include=["none"], lags=LAGS)
            again.restore(rows.snapshot())
            rows, stop = again, len(values) + 1
        xs, _ = rows.transform(values[at : at + size])
        made += xs
        rows.commit()
    assert made == naive(values)


def test_what_a_text_was_before_tells():
    """The load follows the last zone but one, which is in no other field."""
    zones = [("a", "b", "c")[t * t % 7 % 3] for t in range(300)]
    records = [
        {"zone": zone, "load": {"a": 5.0, "b": -1.0, "c": 2.0}[zones[t - 1]]}
        for t, zone in enumerate(zones)
    ]
    errors = []
    for lags in ({}, {"zone": [1]}):
        rows, model = Rows("load", lags=lags), RecurrentRegressor(seed=1)
        xs, ys = rows.transform(records)
        made = [row["prediction"] for row in model.stream(xs, ys)]
        errors.append(sum(abs(p - y) for p, y in zip(made[200:], ys[200:], strict=True)) / 100)
    assert errors[1] < 0.5
    assert "zone.lag1:effect" in model._features.names
