"""How the coverage of a store is shown."""

from __future__ import annotations

from hourlyclicks.render.coverage import shade


def test_only_a_whole_month_looks_like_one() -> None:
    """Only a complete month looks complete, and only one without figures looks empty."""
    for shades in ("·▁▂▃▄▅▆▇█", "0123456789#"):
        assert [shade(known, 31, shades) for known in (0, 31)] == [shades[0], shades[-1]]
        assert {shade(known, 31, shades) for known in range(1, 31)} == set(shades[1:-1])
