"""Numbers from users."""

from __future__ import annotations

import math

import pytest

from hourlyclicks import UsageError
from hourlyclicks.model.checks import check_amount, check_type, check_whole


@pytest.mark.parametrize("value", [1, 5, 10**30])
def test_whole_numbers_pass(value: int) -> None:
    """An int that is not below the minimum is accepted."""
    check_whole("it", value, least=1)


@pytest.mark.parametrize("value", [0, -1, True, 1.0, "1", None])
def test_anything_else_is_no_whole_number(value: object) -> None:
    """A smaller number, or another type, is an error with the name."""
    with pytest.raises(UsageError, match=r"^it must be a whole number from 1, not "):
        check_whole("it", value, least=1)


@pytest.mark.parametrize("value", [1, 0.001, 1e9])
def test_positive_numbers_pass(value: float) -> None:
    """A positive number is accepted, with any options."""
    check_amount("it", value)
    check_amount("it", value, zero=True, infinite=True)


@pytest.mark.parametrize("value", [-1, -math.inf, math.nan, True, "60", None, 1 + 0j, 1e9 + 1, 10**400])
def test_anything_else_is_no_amount(value: object) -> None:
    """A negative number, or another type, is always an error."""
    for zero in (False, True):
        with pytest.raises(UsageError, match=r"^it must be a number"):
            check_amount("it", value, zero=zero, infinite=True)


def test_zero_and_infinity_pass_only_where_they_may() -> None:
    """0 and infinity are accepted only if allowed, each by itself."""
    check_amount("it", 0, zero=True)
    check_amount("it", math.inf, infinite=True)
    with pytest.raises(UsageError, match="above 0 up to"):
        check_amount("it", 0.0)
    with pytest.raises(UsageError, match="from 0 up to"):
        check_amount("it", math.inf, zero=True)


def test_a_type_is_checked_by_name() -> None:
    """A value of another type is an error with the names of the argument and of the type."""
    check_type("it", 1, int)
    with pytest.raises(UsageError, match="it must be of type int, not '1'"):
        check_type("it", "1", int)
