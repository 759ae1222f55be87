"""The themes that the pictures of this documentation are made for."""

from __future__ import annotations

THEMES = {"light": "", "dark": "-dark"}
"""What the names of pictures end in: ``week-dark.png`` is shown in place of ``week.png`` in dark themes."""
