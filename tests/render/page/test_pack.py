from __future__ import annotations

import zlib
from functools import partial
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks import Group
from hourlyclicks.render.page.hours import Hours
from hourlyclicks.render.page.pack import DIGITS, MOST_A_YEAR, packed
from hourlyclicks.render.page.rounding import EXACT, Rounding
from tests.model.strategies import series
from tests.render.page.samples import a_year, absurd, busiest_account, busiest_link, sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hourlyclicks import HourlyClicks, HourlySeries
    from hourlyclicks.render.page.pack import Packed


def column(data: bytes, days: int) -> tuple[list[int], bytes]:
    """Read a column as the docstring of the module describes it, and return what follows it."""
    size, number = data[0], days * 24
    planes = [data[1 + place * number : 1 + (place + 1) * number] for place in range(size)]
    numbers = [0] * number
    for place in range(number):
        numbers[place % days * 24 + place // days] = sum(
            plane[place] << 8 * weight for weight, plane in enumerate(planes)
        )
    return numbers, data[1 + size * number :]


def unpacked(text: str) -> bytes:
    """Read base 85 digit by digit, and inflate it."""
    padded = text + DIGITS[-1] * (-len(text) % 5)
    data = b""
    for place in range(0, len(padded), 5):
        number = 0
        for digit in padded[place : place + 5]:
            number = number * 85 + DIGITS.index(digit)
        data += number.to_bytes(5, "big")[-4:]
    return zlib.decompress(data[: len(data) - -len(text) % 5])


def figures(
    given_series: HourlySeries, found: Packed
) -> Iterator[tuple[HourlyClicks, int | None, int | None]]:
    """Yield each hour of a series, and the clicks and unique users that are read from its text."""
    days = len(given_series.range)
    data = unpacked(found.text)
    assert data[:days] == bytes(Hours(given_series).states)
    clicks, rest = column(data[days + 1 :], days)
    more, end = column(rest[2:], days)
    assert (data[days], rest[0], end) == (found.clicks.digits, found.unique_users.digits, b"")
    for hour, plus_1, zigzag in zip(given_series, clicks, more, strict=True):
        if not plus_1:
            assert zigzag == 0
            yield hour, None, None
            continue
        known = found.clicks.read(plus_1 - 1)
        usual = found.unique_users.written(known * rest[1] // 128)
        number = usual + (-(zigzag + 1) // 2 if zigzag % 2 else zigzag // 2)
        yield hour, known, found.unique_users.read(number)


@given(series())
def test_all_figures_are_in_the_page(given_series: HourlySeries) -> None:
    """States, clicks and unique users are read back, and no hour without figures becomes a zero."""
    for hour, clicks, users in figures(given_series, packed(Hours(given_series))):
        assert (clicks, users) == (hour.clicks, hour.unique_users)


def test_a_year_of_a_busy_link_is_small() -> None:
    """It takes less than 24 KB of text, and its figures are exact."""
    found = packed(Hours(a_year()))
    assert len(found.text) < 24_000
    assert (found.clicks, found.unique_users) == (EXACT, EXACT)


@pytest.mark.parametrize(
    ("busy", "clicks", "users"),
    [(busiest_link, 0, 2), (busiest_account, 3, 2), (partial(sample, target=Group(3)), 3, 2), (absurd, 1, 1)],
    ids=["link", "account", "group", "absurd"],
)
def test_busier_figures_are_rounded_no_more_than_is_said(
    busy: Callable[[], HourlySeries], clicks: int, users: int
) -> None:
    """Unique users lose digits before clicks do, small counts lose none, and the text keeps to its limit."""
    found = packed(Hours(busy()))
    assert (found.clicks.digits, found.unique_users.digits) == (clicks, users)
    assert len(found.text) <= MOST_A_YEAR
    for hour, *read in figures(busy(), found):
        for given_count, count, rounding in zip(
            (hour.clicks, hour.unique_users), read, (found.clicks, found.unique_users), strict=True
        ):
            assert (given_count is None) == (count is None)
            if given_count is None or count is None or rounding == EXACT or given_count < 2**rounding.bits:
                assert count == given_count
            else:
                assert abs(count - given_count) <= given_count / 2**rounding.bits


@given(st.integers(0, 2**63 - 1), st.integers(0, 3))
def test_a_rounded_count_is_near_and_keeps_its_order(count: int, digits: int) -> None:
    """It differs in no digit that it has, is written again alike, and more is never less."""
    rounding = Rounding(digits)
    number = rounding.nearest(count)
    near = rounding.read(number)
    assert abs(near - count) * 2**rounding.bits <= (count if digits else 0)
    assert rounding.written(near) == number
    assert rounding.nearest(count + 1) >= number


def test_the_text_needs_no_escape() -> None:
    """Its digits mean nothing in HTML, and are those that the script has."""
    assert len(set(DIGITS)) == 85
    assert escape(DIGITS) == DIGITS
    assert set(packed(Hours(a_year())).text) <= set(DIGITS)
    assert f'DIGITS = "{DIGITS}"' in files("hourlyclicks.render.page").joinpath("script.js").read_text(
        "utf-8"
    )
