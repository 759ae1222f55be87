from __future__ import annotations

import base64
import zlib
from typing import TYPE_CHECKING

from hypothesis import given

from hourlyclicks.render.page.hours import Hours
from hourlyclicks.render.page.pack import packed
from tests.model.strategies import series
from tests.render.page.samples import a_year

if TYPE_CHECKING:
    from hourlyclicks import HourlySeries


def column(data: bytes, days: int) -> tuple[list[int | None], bytes]:
    """Read a column as the docstring of the module describes it, and return what follows it."""
    width, number = data[0], days * 24
    planes = [data[1 + place * number : 1 + (place + 1) * number] for place in range(width)]
    counts: list[int | None] = [None] * number
    for place in range(number):
        value = sum(plane[place] << 8 * weight for weight, plane in enumerate(planes))
        counts[place % days * 24 + place // days] = value - 1 if value else None
    return counts, data[1 + width * number :]


@given(series())
def test_all_figures_are_in_the_page(given_series: HourlySeries) -> None:
    """States, clicks and unique users are read back, and no hour without figures becomes a zero."""
    days = len(given_series.range)
    data = zlib.decompress(base64.b64decode(packed(Hours(given_series))))
    assert data[:days] == bytes(Hours(given_series).states)
    clicks, rest = column(data[days:], days)
    users, rest = column(rest, days)
    assert clicks == [hour.clicks for hour in given_series]
    assert users == [hour.unique_users for hour in given_series]
    assert rest == b""


def test_a_year_of_a_busy_link_is_small() -> None:
    """It takes less than 30 KB of text."""
    assert len(packed(Hours(a_year()))) < 30_000
