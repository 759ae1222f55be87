"""Pictures as files: their formats, and how they are written."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, TextIO, cast

from hourlyclicks.cli.exits import USAGE, CommandError
from hourlyclicks.cli.output.files import writing
from hourlyclicks.files.devices import descriptor_of, is_special

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
"""What a picture can be written as; each is the suffix of its files."""

_DOTS_PER_INCH = 144
"""Sharp on screens with small pixels; a year is about 1,750 pixels wide."""


def picture_format(chosen: str | None, output: Path | None) -> str:
    """Return the format: the chosen one, else what the name of the file says.

    Args:
        chosen: what ``--format`` says.
        output: the file; ``None``: stdout.

    Raises:
        CommandError: the name says nothing, or another format.
    """
    if output is None or descriptor_of(output) is not None or is_special(output):
        if chosen is None:
            raise CommandError("the output has no name with a suffix; use --format png, svg or pdf", USAGE)
        return chosen
    suffix = output.suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        named = f"cannot write .{suffix} files" if suffix else "the name does not say which format"
        raise CommandError(f"{output}: {named}; use .png, .svg or .pdf", USAGE)
    if chosen not in {None, suffix}:
        raise CommandError(f"{output}: --format {chosen} does not go with .{suffix}", USAGE)
    return suffix


def write_picture(figure: Figure, form: str, output: Path | None) -> None:
    """Write a picture to stdout, or into a file that is there as a whole or not at all.

    Raises:
        CommandError: it cannot be written.
    """
    image = io.BytesIO()
    figure.savefig(image, format=form, dpi=_DOTS_PER_INCH)
    with writing("csv", output) as stream:  # any format that is written unchanged
        cast("TextIO", stream).buffer.write(image.getvalue())
