"""References to functions of the user by their names, so that they travel where the function cannot."""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, Any

from hourlyclicks.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

_FUNCTION = re.compile(r"(?:[^\W\d]\w*\.)*[^\W\d]\w*:(?:[^\W\d]\w*\.)*[^\W\d]\w*")


def check_function(what: str, example: str, function: object, args: tuple[object, ...]) -> None:
    """Raise `UsageError` if that is no name of a function, or its arguments cannot travel.

    Args:
        what: what takes them, for the message.
        example: a name that it takes.
        function: ``"module:function"``.
        args: the arguments: texts and whole numbers.
    """
    if not isinstance(function, str) or not _FUNCTION.fullmatch(function):
        raise UsageError(f"{what} takes 'module:function', such as {example!r}")
    if not all(type(each) in {str, int} for each in args):
        raise UsageError(f"the arguments of {what} are texts and whole numbers")


def find_function(name: str, shown: object) -> Callable[..., Any]:
    """Import a function.

    Args:
        name: ``"module:function"``.
        shown: what refers to it, for the message.

    Raises:
        UsageError: there is none.
    """
    module, _, names = name.partition(":")
    try:
        found: Any = import_module(module)
        for each in names.split("."):
            found = getattr(found, each)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"{shown} cannot be imported: {error}") from None
    if not callable(found):
        raise UsageError(f"{shown} is no function")
    function: Callable[..., Any] = found
    return function


def shown_args(args: tuple[str | int, ...]) -> str:
    """Return arguments as they are shown behind the name of a function; empty if there are none."""
    return f"({', '.join(map(repr, args))})" if args else ""
