"""What the times of the first records say of a season, before one has passed."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from connectors.times import NotATime, read

from ..errors import CheckpointError, ConfigError
from ..features.cycle import cycle
from ..features.spacing import find_spacing
from ..forecasting.inputs.period import LONGEST, SHORTEST

ENOUGH, DAILY = 3, 7  # records whose times tell; of a series by days, in which a weekend shows
UNKNOWN = -1


class ExpectedSeason:
    """The season to expect, from what is *given* or else from the times of the first records.

    >>> expected, months = ExpectedSeason(None), ("2024-01-01", "2024-02-01", "2024-03-01")
    >>> expected.look([{"ds": month} for month in months], "ds", 0)
    (3, 12)
    """

    def __init__(self, given: int | None) -> None:
        self.season = UNKNOWN if given is None else given
        self.times: list[datetime] = []

    @property
    def waits(self) -> bool:
        """Whether it is not decided yet."""
        return self.season == UNKNOWN

    def look(
        self, xs: Sequence[Mapping[Any, Any]] | None, timestamp: str, count: int
    ) -> tuple[int, int]:
        """After how many of the next records *xs* a season is known, and which; nothing changes.

        *count* records came before.  Where none of these decides it is (0, `UNKNOWN`).
        """
        if not self.waits:
            return 0, UNKNOWN
        times = list(self.times)
        if xs is None or count > len(times):  # records without a time have gone by
            return 0, 0
        for n, x in enumerate(xs, 1):
            time = _time(x, timestamp)
            if time is None or (times and time <= times[-1]):
                return n, 0
            times.append(time)
            if len(times) >= ENOUGH and (found := _found(times)) != UNKNOWN:
                return n, found
        return 0, UNKNOWN

    def take(self, xs: Sequence[Mapping[Any, Any]], timestamp: str, season: int) -> None:
        """The records *xs* were learned, and `look` has found *season* for them."""
        if season != UNKNOWN:
            self.say(season)
            return
        known = [_time(x, timestamp) for x in xs]
        self.times += [time for time in known if time is not None]

    def say(self, season: int) -> None:
        """It is *season*, 0 for none."""
        self.season, self.times = season, []

    def saved(self) -> dict[str, Any]:
        """What `load` takes, for a checkpoint."""
        return {"season": self.season, "times": [time.isoformat() for time in self.times]}

    def load(self, saved: Any) -> None:
        """Go on from what was *saved*; a checkpoint that says nothing of it expects none."""
        if saved is None:
            self.season = 0 if self.waits else self.season
            return
        try:
            season = int(saved["season"])
            times = [datetime.fromisoformat(time) for time in saved["times"]]
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"the checkpoint's expected season: {error}") from None
        if season not in (UNKNOWN, 0) and not _possible(season):
            raise CheckpointError(f"the checkpoint's expected season is {season}")
        self.season, self.times = season, times


def told(times: Sequence[Any], count: int) -> int:
    """The season that the *times* of all *count* values so far tell; 0 if not now, or not at all.

    >>> months = [datetime(2024, month, 1) for month in range(1, 5)]
    >>> [told(months[:n], n) for n in range(1, 5)]
    [0, 0, 12, 0]
    """
    return max(0, _found(times)) if count in (ENOUGH, DAILY) else 0


def checked_season(season: int | None) -> None:
    """Raises `ConfigError` for what cannot be a season."""
    if season is None or season == 0:
        return
    if not isinstance(season, int) or isinstance(season, bool) or not _possible(season):
        raise ConfigError(
            f"season: {season!r}; give the number of records in a season, {SHORTEST} to {LONGEST}, "
            "0 to expect none, or leave it out: the times of the records tell"
        )


def _possible(season: int) -> bool:
    return SHORTEST <= season <= LONGEST


def _found(times: Sequence[datetime]) -> int:
    """What the first *times* say; `UNKNOWN` where some more will say it."""
    spacing = find_spacing(times)
    if spacing is not None and spacing[:2] == ("day", 1) and len(times) < DAILY:
        return UNKNOWN
    season = cycle(spacing)
    return season if _possible(season) else 0


def _time(x: Mapping[Any, Any], timestamp: str) -> datetime | None:
    """The time of a record: its field *timestamp*, or the only one that is a date."""
    values = [x[timestamp]] if timestamp in x else [v for v in x.values() if isinstance(v, date)]
    if len(values) != 1:
        return None
    try:
        return read(values[0])
    except (NotATime, TypeError, ValueError, OverflowError):
        return None
