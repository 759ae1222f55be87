"""Parsed source, for the tests that read the source of the project."""

from __future__ import annotations

import ast
import gc
from functools import cache
from itertools import chain


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


@cache
def nodes(source: str) -> tuple[ast.AST, ...]:
    """Return all nodes of a module, in the order of `ast.walk`, which takes twice as long.

    Args:
        source: its text.
    """
    found: list[ast.AST] = [parsed(source)]
    for node in found:  # which grows
        values = (getattr(node, name, None) for name in node._fields)
        lists = (value if type(value) is list else (value,) for value in values)
        found += (child for child in chain.from_iterable(lists) if isinstance(child, ast.AST))
    return tuple(found)
