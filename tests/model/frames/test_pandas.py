import datetime as dt
import subprocess
import sys
from typing import Any

import pytest

from hourlyclicks.errors import UsageError
from hourlyclicks.model.daily import DailyClicks
from hourlyclicks.model.daily_series import DailySeries
from hourlyclicks.model.dates import DateRange
from tests.model.frames.sample import AT, BERLIN, DAYS, LINK, a_series
from tests.model.strategies import FIRST, a_day

DTYPES = {
    "target": "category",
    "date": "datetime64[s]",
    "hour": "int8",
    "time": "datetime64[s, Europe/Berlin]",
    "clicks": "Int64",
    "unique_users": "Int64",
    "status": "category",
    "final": "boolean",
    "fetched_at": "datetime64[us, UTC]",
}
WITHOUT_TIME = {name: kind for name, kind in DTYPES.items() if name != "time"}

WITHOUT_PYARROW = """
import sys
sys.modules["pyarrow"] = sys.modules["nanoarrow"] = None
from tests.model.frames.sample import a_series
frame = a_series().to_pandas(timezone="Europe/Berlin")
print({name: str(kind) for name, kind in frame.dtypes.items()})
print(frame["clicks"].sum(), frame["clicks"].isna().sum())
"""


@pytest.fixture
def pd() -> Any:  # noqa: ANN401 - pandas has no types
    """Return pandas, which takes long to import."""
    return pytest.importorskip("pandas")


def dtypes(frame: Any) -> dict[str, str]:  # noqa: ANN401 - as above
    """Return the names of the types of the columns."""
    return {name: str(kind) for name, kind in frame.dtypes.items()}


def test_a_frame_has_the_rows_of_the_series(pd: Any) -> None:  # noqa: ANN401 - as above
    """Every value is that of the series, and what is not known is null and never zero."""
    known = a_series()
    frame = known.to_pandas()
    assert dtypes(frame) == WITHOUT_TIME
    assert frame["clicks"].tolist() == [pd.NA if hour.clicks is None else hour.clicks for hour in known]
    assert frame["unique_users"].isna().tolist() == [hour.unique_users is None for hour in known]
    assert frame["status"].tolist() == [hour.status for hour in known]
    assert frame["date"].dt.date.tolist() == [hour.date for hour in known]
    assert frame["hour"].tolist() == [hour.hour for hour in known]
    assert set(frame["target"]) == {str(LINK)}


def test_final_and_fetched_at_are_those_of_the_day(pd: Any) -> None:  # noqa: ANN401 - as above
    """Both are null on a day that was not fetched."""
    known = a_series()
    answers = {day.date: day for day in known.days()}
    by_day = known.to_pandas().groupby("date").agg({"final": ["first", "nunique"], "fetched_at": "first"})
    for date, (final, different, fetched_at) in zip(known.range, by_day.to_numpy(), strict=True):
        answer = answers.get(date)
        assert (final is pd.NA, fetched_at is pd.NaT) == ((answer is None,) * 2)
        assert answer is None or (final, different, fetched_at) == (answer.final, 1, answer.fetched_at)


def test_status_has_all_categories_and_no_other(pd: Any) -> None:  # noqa: ANN401 - as above
    """Frames of different series have the same categories, whichever occur in them."""
    for known in (a_series(), a_series()["2025-04-01":"2025-04-01"], a_day(FIRST)):
        assert list(known.to_pandas()["status"].cat.categories) == ["reported", "not_reported", "not_fetched"]
    assert isinstance(a_day(FIRST).to_pandas(), pd.DataFrame)


def test_time_is_a_column(pd: Any) -> None:  # noqa: ANN401 - as above
    """The column `time` is null where the clock skipped the hour, and the index counts rows."""
    frame = a_series().to_pandas(timezone=BERLIN)
    assert dtypes(frame) == DTYPES
    assert isinstance(frame.index, pd.RangeIndex)
    assert len(frame) == len(DAYS) * 24
    skipped = frame[frame["time"].isna()]
    assert list(zip(skipped["date"].dt.date, skipped["hour"], strict=True)) == [(dt.date(2025, 3, 30), 2)]
    shown = frame[frame["time"].notna()]
    assert (shown["time"].dt.hour == shown["hour"]).all()
    assert (shown["time"].dt.tz_localize(None).dt.normalize() == shown["date"]).all()


def test_a_frame_can_be_changed(pd: Any) -> None:  # noqa: ANN401 - as above
    """A change to a frame does not reach the series."""
    known = a_series()
    frame = known.to_pandas()
    for name, value in {"clicks": 1_000_000, "hour": 5, "final": False, "status": "reported"}.items():
        frame.loc[:, name] = value
    frame.loc[0, "date"] = pd.Timestamp(2020, 1, 1)
    assert known == a_series()
    assert known.to_pandas().equals(a_series().to_pandas())


def test_days_are_a_frame_of_their_sums(pd: Any) -> None:  # noqa: ANN401 - as above
    """A series of days has one row a day."""
    days = DateRange.of("2025-01-01", "2025-01-02")
    known = DailySeries.of(LINK, days, [DailyClicks(dt.date(2025, 1, 1), 5, 3, AT, final=True)])
    frame = known.to_pandas()
    assert dtypes(frame) == {name: kind for name, kind in WITHOUT_TIME.items() if name != "hour"}
    assert frame["clicks"].tolist() == [5, pd.NA]
    assert frame["status"].tolist() == ["reported", "not_fetched"]


def test_pyarrow_is_not_needed() -> None:
    """Without pyarrow and nanoarrow the types are the same."""
    pytest.importorskip("pandas")
    command = [sys.executable, "-c", WITHOUT_PYARROW]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    known = a_series()
    nulls = sum(hour.clicks is None for hour in known)
    assert (done.stdout, done.stderr) == (f"{DTYPES}\n{known.total_clicks} {nulls}\n", "")


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pandas, one sentence names the extra, also where NumPy is missing, too."""
    monkeypatch.setitem(sys.modules, "numpy", None)
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.delitem(sys.modules, "hourlyclicks.model.frames.pandas", raising=False)
    with pytest.raises(UsageError, match=r"^this needs pandas: pip install 'hourlyclicks\[pandas\]'$"):
        a_series().to_pandas()
