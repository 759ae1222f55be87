from __future__ import annotations

import zlib
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from hypothesis import given

from hourlyclicks.render.page.hours import Hours
from hourlyclicks.render.page.pack import DIGITS, packed
from tests.model.strategies import series
from tests.render.page.samples import a_year

if TYPE_CHECKING:
    from hourlyclicks import HourlySeries


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


@given(series())
def test_all_figures_are_in_the_page(given_series: HourlySeries) -> None:
    """States, clicks and unique users are read back, and no hour without figures becomes a zero."""
    days = len(given_series.range)
    data = unpacked(packed(Hours(given_series)))
    assert data[:days] == bytes(Hours(given_series).states)
    clicks, rest = column(data[days:], days)
    more, end = column(rest[1:], days)
    for hour, plus_1, zigzag in zip(given_series, clicks, more, strict=True):
        if hour.clicks is None:
            assert (plus_1, zigzag) == (0, 0)
        else:
            usual = hour.clicks * rest[0] // 128
            assert plus_1 == hour.clicks + 1
            assert hour.unique_users == usual + (-(zigzag + 1) // 2 if zigzag % 2 else zigzag // 2)
    assert end == b""


def test_a_year_of_a_busy_link_is_small() -> None:
    """It takes less than 24 KB of text."""
    assert len(packed(Hours(a_year()))) < 24_000


def test_the_text_needs_no_escape() -> None:
    """Its digits mean nothing in HTML, and are those that the script has."""
    assert len(set(DIGITS)) == 85
    assert escape(DIGITS) == DIGITS
    assert set(packed(Hours(a_year()))) <= set(DIGITS)
    assert f'DIGITS = "{DIGITS}"' in files("hourlyclicks.render.page").joinpath("script.js").read_text(
        "utf-8"
    )
