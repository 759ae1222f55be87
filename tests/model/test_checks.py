"""Numbers that users hand in."""

from __future__ import annotations

import math

import pytest

from hourlyclicks import UsageError
from hourlyclicks.model.checks import check_amount, check_type, check_whole


@pytest.mark.parametrize("value", [1, 5, 10**30])
def test_whole_numbers_pass(value: int) -> None:
    """An int from the least on passes."""
    check_whole("it", value, least=1)


@pytest.mark.parametrize("value", [0, -1, True, 1.0, "1", None])
def test_anything_else_is_no_whole_number(value: object) -> None:
    """What is smaller, or no int, is refused by name."""
    with pytest.raises(UsageError, match=r"^it must be a whole number from 1, not "):
        check_whole("it", value, least=1)


@pytest.mark.parametrize("value", [1, 0.001, 1e9])
def test_positive_numbers_pass(value: float) -> None:
    """A positive number passes whatever else is let in."""
    check_amount("it", value)
    check_amount("it", value, zero=True, infinite=True)


@pytest.mark.parametrize("value", [-1, -math.inf, math.nan, True, "60", None, 1 + 0j, 1e9 + 1, 10**400])
def test_anything_else_is_no_amount(value: object) -> None:
    """What is negative, or no number, is always refused."""
    for zero in (False, True):
        with pytest.raises(UsageError, match=r"^it must be a number"):
            check_amount("it", value, zero=zero, infinite=True)


def test_zero_and_infinity_pass_only_where_they_may() -> None:
    """0 and infinity pass only when they are let in, each by itself."""
    check_amount("it", 0, zero=True)
    check_amount("it", math.inf, infinite=True)
    with pytest.raises(UsageError, match="above 0 up to"):
        check_amount("it", 0.0)
    with pytest.raises(UsageError, match="from 0 up to"):
        check_amount("it", math.inf, zero=True)


def test_a_type_is_checked_by_name() -> None:
    """What is of another type is refused by the name of the argument and of the type."""
    check_type("it", 1, int)
    with pytest.raises(UsageError, match="it must be of type int, not '1'"):
        check_type("it", "1", int)
