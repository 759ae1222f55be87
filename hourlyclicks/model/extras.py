"""The sentence about an optional library that is not installed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from hourlyclicks.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def needing(library: str, *, extra: str) -> Iterator[None]:
    """Import an optional library within this context.

    Args:
        library: the name by which it is imported.
        extra: the extra of this package that installs it.

    Raises:
        UsageError: the library is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != library:
            raise
        raise UsageError(f"this needs {library}: pip install 'hourlyclicks[{extra}]'") from None
