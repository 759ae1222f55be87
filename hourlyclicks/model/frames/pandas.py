"""A table as a data frame of pandas, without pyarrow.

``DataFrame.from_arrow`` needs pyarrow, and makes ``float64`` of counts with nulls. Here, counts are
integers. The values are copied, so that a frame can be changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from hourlyclicks.model.extras import needing
from hourlyclicks.model.frames.table import Kind

with needing("pandas", extra="pandas"):
    import pandas as pd

import numpy as np  # after pandas, which brings it along: where both are missing, pandas is to be named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hourlyclicks.model.frames.table import Column, Table


def as_frame(table: Table) -> pd.DataFrame:
    """Return a data frame."""
    return pd.DataFrame({column.field.name: _MAKERS[column.field.kind](column) for column in table.columns})


def concatenated(frames: Iterable[pd.DataFrame], empty: pd.DataFrame) -> pd.DataFrame:
    """Return one data frame of many; a column of categories gets those of all of them.

    Args:
        frames: data frames of the same columns.
        empty: what is returned if there are none.
    """
    parts = list(frames)
    if not parts:
        return empty
    texts = [name for name in empty if isinstance(empty[name].dtype, pd.CategoricalDtype)]
    # Without this detour, pandas makes plain text of categories that differ.
    labels = {name: pd.api.types.union_categoricals([part[name] for part in parts]) for name in texts}
    whole = pd.concat([part.drop(columns=texts) for part in parts], ignore_index=True)
    return whole.assign(**labels)[list(empty)]


def _text(column: Column) -> object:
    codes = np.frombuffer(column.values, np.int8)
    return pd.Categorical.from_codes(codes, categories=list(column.labels))


def _count(column: Column) -> object:
    return pd.arrays.IntegerArray(np.array(column.values, np.int64), _nulls(column))


def _flag(column: Column) -> object:
    return pd.arrays.BooleanArray(np.frombuffer(column.values, bool).copy(), _nulls(column))


def _hour(column: Column) -> object:
    return np.frombuffer(column.values, np.int8).copy()


def _date(column: Column) -> object:
    return np.array(column.values, np.int32).astype("datetime64[D]").astype("datetime64[s]")


def _time(column: Column) -> object:
    return _moments(column, "s").tz_convert(column.field.zone)


def _moment(column: Column) -> object:
    return _moments(column, "us")


def _moments(column: Column, unit: Literal["s", "us"]) -> pd.DatetimeIndex:
    moments = np.array(column.values, np.int64).view(f"datetime64[{unit}]")
    moments[_nulls(column)] = np.datetime64("NaT", unit)
    return pd.DatetimeIndex(moments).tz_localize("UTC")


def _nulls(column: Column) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which values are null."""
    if column.known is None:
        return np.zeros(len(column), bool)
    nulls: np.ndarray[Any, np.dtype[np.bool_]] = np.frombuffer(column.known, np.uint8) == 0
    return nulls


_MAKERS: dict[Kind, Callable[[Column], object]] = {
    Kind.TEXT: _text,
    Kind.DATE: _date,
    Kind.HOUR: _hour,
    Kind.TIME: _time,
    Kind.COUNT: _count,
    Kind.FLAG: _flag,
    Kind.MOMENT: _moment,
}
