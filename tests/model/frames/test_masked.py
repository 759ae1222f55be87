import datetime as dt
import sys
from typing import Any

import pytest

from hourlyclicks.errors import UsageError
from hourlyclicks.model.daily import DailyClicks
from hourlyclicks.model.daily_series import DailySeries
from hourlyclicks.model.dates import DateRange
from tests.model.frames.sample import AT, DAYS, LINK, a_series


@pytest.fixture
def np() -> Any:  # noqa: ANN401 - a module
    """Return NumPy."""
    return pytest.importorskip("numpy")


def test_arrays_have_the_counts_of_the_series(np: Any) -> None:  # noqa: ANN401 - as above
    """Arrays of days x 24, masked where nothing is known."""
    known = a_series()
    for array, grid in zip(known.to_numpy(), (known.clicks, known.unique_users), strict=True):
        assert isinstance(array, np.ma.MaskedArray)
        assert (array.dtype, array.shape) == (np.int64, (len(DAYS), 24))
        assert array.tolist() == grid.tolist()
    assert known.to_numpy()[0].sum() == known.total_clicks


def test_arrays_are_read_only_views(np: Any) -> None:  # noqa: ANN401 - as above
    """The memory is that of the series, and neither counts nor masks can be changed."""
    known = a_series()
    clicks, users = known.to_numpy()
    assert np.shares_memory(clicks.data, np.asarray(known.clicks.zero_filled))
    assert np.shares_memory(users.data, np.asarray(known.unique_users.zero_filled))
    for array in (clicks, users):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 7
        with pytest.raises(ValueError, match="read-only"):
            np.ma.getmask(array)[0, 0] = True
    assert known == a_series()


def test_what_is_not_known_is_filled_with_no_count(np: Any) -> None:  # noqa: ANN401 - as above
    """``filled()`` has -1 where nothing is known."""
    clicks, _ = a_series().to_numpy()
    assert set(np.unique(clicks.filled()[clicks.mask])) == {-1}


def test_days_are_arrays_of_their_sums() -> None:
    """A series of days gives a value a day."""
    pytest.importorskip("numpy")
    days = DateRange.of("2025-01-01", "2025-01-02")
    known = DailySeries.of(LINK, days, [DailyClicks(dt.date(2025, 1, 2), 5, 3, AT, final=True)])
    clicks, users = known.to_numpy()
    assert (clicks.tolist(), users.tolist()) == ([None, 5], [None, 3])


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without NumPy, one sentence names the extra."""
    monkeypatch.setitem(sys.modules, "numpy", None)
    monkeypatch.delitem(sys.modules, "hourlyclicks.model.frames.masked", raising=False)
    with pytest.raises(UsageError, match=r"^this needs numpy: pip install 'hourlyclicks\[numpy\]'$"):
        a_series().to_numpy()
