import datetime as dt
import math
from zoneinfo import ZoneInfo

import pytest

from hourlyclicks.errors import UsageError
from hourlyclicks.model.deadlines import seconds_until
from tests.cases import every_case

MAX = dt.datetime.max.replace(tzinfo=dt.UTC)
NEW_YORK = ZoneInfo("America/New_York")
APRIL_3 = dt.date(2025, 4, 3)


def _utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@every_case(
    ("deadline", "seconds"),
    [
        (None, None),
        (0, 0),
        (2.5, 2.5),
        (dt.timedelta(minutes=1), 60.0),
        (dt.timedelta(-1), 0.0),
        (_utc("2025-04-03 10:30"), 1800.0),
        (_utc("2025-04-03 10:30").astimezone(NEW_YORK), 1800.0),
        (_utc("2025-04-03 10:00"), 0.0),
        (_utc("2025-04-02 10:00"), 0.0),
        (MAX, (MAX - _utc("2025-04-03 10:00")).total_seconds()),
    ],
)
def test_a_deadline_is_so_many_seconds_away(
    deadline: float | dt.timedelta | dt.datetime | None, seconds: float | None
) -> None:
    """A number, a timedelta or a moment in any zone; a past one is now, and None stays None."""
    assert seconds == seconds_until(deadline, _utc("2025-04-03 10:00"))


@every_case(
    "deadline",
    [-1, -0.5, math.nan, math.inf, 1e300, True, "60", APRIL_3, dt.datetime(2025, 4, 3)],  # noqa: DTZ001 - the point of the test
)
def test_what_is_no_deadline_is_refused(deadline: float) -> None:
    """A negative or infinite number, text, a date, and a naive datetime are errors."""
    with pytest.raises(UsageError):
        seconds_until(deadline, _utc("2025-04-03 10:00"))
