"""A test of many cases fails with those that fail, and runs all of them."""

from __future__ import annotations

import inspect

import pytest

from tests.cases import every_case


def test_all_cases_are_run() -> None:
    """Also those of two tables, each with each, and with the fixtures of the test."""
    seen: list[tuple[int, str, str]] = []

    @every_case("number", [1, 2])
    @every_case(("word", "mark"), [("a", "!"), ("b", "?")])
    def test(number: int, word: str, mark: str, place: str) -> None:
        seen.append((number, word + mark, place))

    assert list(inspect.signature(test).parameters) == ["place"]
    test(place="here")
    assert seen == [(1, "a!", "here"), (1, "b?", "here"), (2, "a!", "here"), (2, "b?", "here")]


def test_each_case_that_fails_is_named() -> None:
    """A failed assertion, an error that is not raised, and any other error; the rest is run nevertheless."""

    @every_case("number", range(5))
    def test(number: int) -> None:
        with pytest.raises(ZeroDivisionError):
            assert 1 / number < 1

    with pytest.raises(BaseExceptionGroup, match="4 of 5 cases fail") as caught:
        test()
    kinds = [type(error) for error in caught.value.exceptions]
    assert kinds == [AssertionError, *[pytest.fail.Exception] * 3]
    assert [error.__notes__ for error in caught.value.exceptions] == [
        [f"in the case {{'number': {number}}}"] for number in (1, 2, 3, 4)
    ]
