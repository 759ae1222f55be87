"""A series as a table for people."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks import Link
from hourlyclicks.render.tables import ASCII, UNICODE, level, palette_for, picture, table_lines, write_table
from tests.cli.examples import week_of_work

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion


def test_the_table_looks_like_this(snapshot: SnapshotAssertion) -> None:
    """There is a line for each day; missing, empty and provisional days say what they are."""
    assert "\n".join(table_lines(week_of_work(), UNICODE)) == snapshot


def test_the_table_can_do_without_unicode(snapshot: SnapshotAssertion) -> None:
    """A stream in ASCII gets plain characters."""
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding="ascii")
    write_table(week_of_work(), stream)
    stream.flush()
    assert buffer.getvalue().decode("ascii") == snapshot


def test_a_link_id_cannot_control_the_terminal() -> None:
    """Control characters of a link id are escaped; brackets are no markup."""
    series = week_of_work(Link("[red]\x1b[31mx", "https://vvd.bz"))
    assert next(table_lines(series, ASCII)).startswith("https://vvd.bz/[red]\\x1b[31mx, 2025")


def test_a_line_fits_a_terminal() -> None:
    """No line is wider than 80 characters."""
    assert max(map(len, table_lines(week_of_work(), UNICODE))) <= 80


def test_a_palette_is_chosen_by_encoding() -> None:
    """Block characters need an encoding that has them."""
    assert palette_for("utf-8") is UNICODE
    for encoding in ("ascii", "cp1252", "no such encoding", None):
        assert palette_for(encoding) is ASCII


@given(st.integers(1, 2**62), st.integers(1, 8), st.data())
def test_levels_are_even_steps(most: int, levels: int, data: st.DataObject) -> None:
    """Zero has the lowest level, the maximum the highest, and more is never lower."""
    low = data.draw(st.integers(0, most))
    high = data.draw(st.integers(low, most))
    assert (level(0, most, levels), level(most, most, levels)) == (0, levels - 1)
    assert 0 <= level(low, most, levels) <= level(high, most, levels) < levels


def test_nothing_at_all_is_on_the_lowest_step() -> None:
    """If the maximum is zero, all levels are the lowest."""
    assert level(0, 0, 8) == 0


def test_a_picture_distinguishes_not_reported_from_zero() -> None:
    """An hour that was not reported is no low bar."""
    assert picture([None, 0, 8], 8, UNICODE) == "·▁█"
