from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.model.png import TRANSPARENT, data_uri, indexed_png
from tests.model.pngs import read

PALETTE = ("#000000", "#ff8000", TRANSPARENT, "#0102037f")
COLOURS = [(0, 0, 0, 255), (255, 128, 0, 255), (0, 0, 0, 0), (1, 2, 3, 127)]


@given(
    st.integers(1, 9).flatmap(
        lambda width: st.lists(st.lists(st.integers(0, 3), min_size=width, max_size=width), min_size=1)
    )
)
def test_a_picture_is_read_back(pixels: list[list[int]]) -> None:
    """A reader of the format finds the same pixels, also in rows of an odd number."""
    picture = read(indexed_png([bytes(row) for row in pixels], PALETTE))
    assert picture.rows == [[COLOURS[index] for index in row] for row in pixels]


@pytest.mark.parametrize("palette", [(), ("#000000",) * 17])
def test_a_palette_has_one_to_sixteen_colours(palette: tuple[str, ...]) -> None:
    """Four bits a pixel can name no more."""
    with pytest.raises(ValueError, match="1 to 16 colours"):
        indexed_png([b"\0"], palette)


def test_an_address_holds_the_whole_file() -> None:
    """It is what an image can have as its source."""
    png = indexed_png([b"\0\1"], PALETTE)
    head, _, data = data_uri(png).partition(",")
    assert (head, base64.b64decode(data)) == ("data:image/png;base64", png)
