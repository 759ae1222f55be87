"""The file that holds the API key unless another one is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def default_file() -> Path | None:
    """Return the file that is looked into when nothing else is said; ``None`` without a home."""
    import platformdirs  # noqa: PLC0415 - the help of a command needs none

    try:
        path = platformdirs.user_config_path("hourlyclicks", appauthor=False) / "key"
    except (RuntimeError, KeyError, OSError):  # no HOME, and no entry for this user either
        return None
    return path if path.is_absolute() else None
