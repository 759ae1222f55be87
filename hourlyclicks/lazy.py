"""Public names of a package that are imported when they are first used."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def lazy_names(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and the ``__dir__`` of a package.

    Args:
        package: its ``__name__``.
        homes: the public names, and the modules below `hourlyclicks` that they live in.
    """
    names = vars(sys.modules[package])

    def get(name: str) -> Any:  # noqa: ANN401 - of any type a module can hold
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        thing = names[name] = getattr(import_module(f"hourlyclicks.{homes[name]}"), name)
        return thing

    def list_names() -> list[str]:
        return sorted({*names, *homes})

    return get, list_names
