"""Many cases of one rule as one test: what pytest does around a test takes longer than most of them."""

from __future__ import annotations

import inspect
import reprlib
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Test: TypeAlias = Callable[..., None]

_FAILURES = (Exception, pytest.fail.Exception)


def every_case(names: str | tuple[str, ...], cases: Iterable[Any]) -> Callable[[Test], Test]:
    """Run a test for each of many cases, and let it fail with all that fail.

    It has the arguments of `pytest.mark.parametrize`, and stands for it where a function is pure and has many
    cases. The fixtures of the test are the same for all of them.

    Args:
        names: the argument of the test, or several.
        cases: their values: of several arguments a tuple.

    Raises:
        BaseExceptionGroup: some cases fail; each exception has a note with its case.
    """
    if isinstance(names, str):
        names, cases = (names,), ((case,) for case in cases)
    table = [dict(zip(names, case, strict=True)) for case in cases]

    def decorate(test: Test) -> Test:
        @wraps(test)
        def run(**fixtures: Any) -> None:  # noqa: ANN401 - whatever the test takes
            failures = []
            for case in table:
                try:
                    test(**case, **fixtures)
                except _FAILURES as error:
                    error.add_note(f"in the case {reprlib.repr(case)}")
                    failures.append(error)
            if failures:
                raise BaseExceptionGroup(f"{len(failures)} of {len(table)} cases fail", failures)

        signature = inspect.signature(test)
        others = [each for each in signature.parameters.values() if each.name not in names]
        run.__signature__ = signature.replace(parameters=others)  # type: ignore[attr-defined]  # pytest reads it
        return run

    return decorate
