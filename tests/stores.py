"""Where a test keeps its days if the kind of the store makes no difference to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.store import MemoryStore
from tests.sizes import THOROUGH

if TYPE_CHECKING:
    from pathlib import Path


def store_at(path: Path) -> Path | MemoryStore:
    """Return what a client takes for its store: that file in a thorough run, else one in memory.

    They have the same tables and statements, but a file has a thread, and takes twice as long. Files have
    tests of their own, in `tests.store`. Several clients may take what is returned, one after the other or at
    once.
    """
    return path if THOROUGH else MemoryStore()
