"""The shades of the pictures, light and dark; ``style.css`` has the same ones for the cells of tables."""

from __future__ import annotations

from hourlyclicks.model.scale import BLUES, SHADES

LIGHT = BLUES
"""On a light ground: the darker, the more."""

DARK = ("#16293f", "#19405f", "#1b5080", "#1d66a6", "#2676b8", "#5cb0e0", "#a0d4f1", "#eef8ff")
"""On a dark ground: the lighter, the more."""

_WHITE = 255


def grey(shade: int) -> str:
    """Return the grey that stands for a shade in a picture; a filter of the page replaces it by the colour.

    So one picture serves both themes, and where a filter is not applied, it is still in shades.
    """
    level = _WHITE - shade * _WHITE // (SHADES - 1)
    return f"#{level:02x}{level:02x}{level:02x}"


def transfer(colours: tuple[str, ...]) -> tuple[str, str, str]:
    """Return the tables of a discrete ``feComponentTransfer`` that turn these greys into colours.

    Returns:
        For red, green and blue: eight values from 0 to 1, that of the darkest grey first.
    """
    channels = zip(*(bytes.fromhex(colour.removeprefix("#")) for colour in reversed(colours)), strict=True)
    red, green, blue = (" ".join(map(_part, values)) for values in channels)
    return red, green, blue


def _part(value: int) -> str:
    """Return how much of 255 a value is, in few characters.

    A quarter more, since browsers may round down what they make of it.
    """
    return f"{min(1, (value + 0.25) / _WHITE):.3f}".rstrip("0").rstrip(".").removeprefix("0") or "0"
