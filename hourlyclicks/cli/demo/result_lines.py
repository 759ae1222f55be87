"""The lines of figures that a demonstration ends with."""

from __future__ import annotations

from rich.text import Text


def line(label: str, text: str, *, good: bool | None = None) -> Text:
    """Return a line with a label; one that is good or bad has a colour."""
    style = {None: "", True: "green", False: "bold red"}[good]
    return Text.assemble((f"  {label:<10}", "bold"), (text, style))
