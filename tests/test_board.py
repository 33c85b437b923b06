"""What the page's board writes down, and what it finds out of a learner at rest."""

import time

import numpy as np
import pytest
from average import Linear

from connectors.memory import MemorySink, MemorySource
from stream_rnn import LSTM, RecurrentRegressor
from stream_rnn.estimators.protocol import MOST_MEMBERS, member_weights
from stream_rnn.features.rows import Rows
from stream_rnn.metrics import Metrics
from stream_rnn.service.ledger import Schedule
from stream_rnn.service.pipeline import Pipeline
from stream_rnn.service.task import Task
from stream_rnn.web import Site
from stream_rnn.web import board as boards
from stream_rnn.web.insight import AT_ONCE, Insight
from stream_rnn.web.ready import Readiness
from stream_rnn.web.turn import Turn
from stream_rnn.web.view import event

RECORDS = [{"u": float(n % 7), "y": float(n % 5)} for n in range(30)]


class Weighed(Linear):
    """A mixture, as far as others can see."""

    def member_weights(self):
        return {"left": 0.75, "right": 0.25}


def learned(task, records=RECORDS):
    site = Site(Metrics("m"))
    line = Pipeline(
        *(MemorySource(records), task, MemorySink()),
        schedule=Schedule(batch_records=10),
        observers=site.observers,
    )
    line.run()
    return site


def test_what_came_last_is_shown_once_the_learner_rests(monkeypatch):
    site = learned(Task(Linear(), Rows("y")))
    board = site.board
    assert board.frames[""]["counts"]["consumed"] == 10  # the others came within half a second
    board.look()
    assert board.frames[""]["counts"]["consumed"] == 10
    monkeypatch.setattr(boards, "EVERY_SECONDS", 0.0)
    board._due[""] = 0.0
    event(site)
    assert board.frames[""]["counts"]["consumed"] == 30
    assert board.frames[""]["rows"][-1][1]["target"] == 4.0
    assert board.frames[""]["history"][-1]["rate"] > 0
    for _ in range(3):
        time.sleep(0.001)
        event(site)
    assert [point["rate"] for point in board.frames[""]["history"]][-1] == 0
    assert len(board.frames[""]["history"]) == 3  # and then nothing more


def test_members_are_series_and_shown():
    site = learned(Task(Weighed(), Rows("y")))
    text = site.metrics.text()
    assert 'stream_rnn_member_weight{learner="m",member="left"} 0.75' in text
    board = site.board
    board._due[""] = 0.0
    board.look()  # asks, and shows what is known then
    board._due[""] = 0.0
    board._tick("", board._runs[""], board._trackers[""])
    board._show("", board._runs[""], board._trackers[""], [])
    assert board.frames[""]["insight"]["members"] == {"left": 0.75, "right": 0.25}
    assert b'"members":{"left":0.75,"right":0.25}' in event(site)


def test_of_many_members_the_last_are_told_together():
    class Crowd:
        def member_weights(self):
            return {f"m{n}": 1 / 40 for n in range(40)}

    weights = member_weights(Crowd())
    assert len(weights) == MOST_MEMBERS
    assert list(weights)[-1] == "others"
    assert sum(weights.values()) == pytest.approx(1)
    assert member_weights(object()) == {}


def test_the_mean_errors_are_those_of_now_whenever_they_are_asked_for():
    site = learned(Task(Linear(), Rows("y")))
    quality = site.metrics.qualities[None]
    assert f'stream_rnn_rolling_mae{{learner="m"}} {quality.measures()["rolling_mae"]}' in (
        site.metrics.text()
    )
    site.metrics.rebalance(0)
    assert "stream_rnn_rolling_mae{" not in site.metrics.text()


@pytest.fixture(scope="module")
def model():
    rng, model = np.random.default_rng(1), RecurrentRegressor(LSTM(4), seed=1)
    x = rng.normal(size=(600, 10))
    model.stream([dict(zip("abcdefghij", row)) for row in x.tolist()], 3 * x[:, 0] - x[:, 9])
    return model


def looked(model, times):
    task = Task(model, Rows("y"))
    task.guard, found = Turn("m", Readiness()), Insight()
    for _ in range(times):
        found._due = 0.0
        found.look(task)
    return found


def test_sensitivities_are_found_a_few_at_a_time(model):
    [first] = looked(model, 1).known["sensitivities"]
    assert {name for name, _, _ in first["features"]} == set("abcdefgh")
    [all_of_them] = looked(model, 2).known["sensitivities"]
    assert len(all_of_them["features"]) == 10 > AT_ONCE
    (best, slope, effect), (second, *_) = all_of_them["features"][:2]
    assert (best, second) == ("a", "j")
    assert slope == pytest.approx(3, abs=0.7)
    assert effect == pytest.approx(3, abs=0.8)  # the feature's deviation is about 1


def test_looking_costs_a_bounded_share_and_changes_nothing(model):
    before = model.snapshot()
    found = looked(model, 3)
    assert found._due > time.monotonic()
    known = found.known
    found.look(Task(model, Rows("y")))  # not due, and no turn: nothing is asked
    assert found.known is known
    after = model.snapshot()
    assert all((after.arrays[name] == array).all() for name, array in before.arrays.items())
    assert repr(after.meta) == repr(before.meta)


def test_nothing_is_looked_for_while_nobody_reads():
    site = learned(Task(Weighed(), Rows("y")))
    assert site.board.frames[""]["insight"] == {}
