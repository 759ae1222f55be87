"""Parsed source, for the tests that read the source of the project."""

from __future__ import annotations

import ast
import gc
from functools import cache


@cache
def parsed(source: str) -> ast.Module:
    """Parse a module, without the garbage collections that so many new objects cause: they find nothing.

    Args:
        source: its text.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        return ast.parse(source)
    finally:
        if enabled:
            gc.enable()
