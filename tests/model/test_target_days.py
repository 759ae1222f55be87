"""The days of each of several targets."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.errors import UsageError
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.listing import ListedGroup, ListedLink
from hourlyclicks.model.target_days import TargetDays, as_first_days, days_from_first, days_of_each
from hourlyclicks.model.targets import Account, Group, Link, Query
from tests.model.strategies import FIRST, TARGETS, ranges

if TYPE_CHECKING:
    from hourlyclicks.model.targets import Target

SINCE = st.dictionaries(
    st.sampled_from(TARGETS), st.integers(-3, 18).map(lambda days: FIRST + dt.timedelta(days=days))
)


@given(ranges(), SINCE)
def test_no_day_before_the_first_one(days: DateRange, since: dict[Any, dt.date]) -> None:
    """A target has the days of the range that are not before its first day, and is left out if none is."""
    found = days_of_each(TARGETS, days, since)
    for target in TARGETS:
        expected = [day for day in days if day >= since.get(target, day)]
        assert list(found.get(target, ())) == expected


@given(ranges(), SINCE)
def test_a_first_day_may_be_before_the_range(days: DateRange, since: dict[Any, dt.date]) -> None:
    """With `days_from_first`, a target has all days from its first one to the end of the range."""
    found = days_from_first(TARGETS, days, since)
    for target in TARGETS:
        first = since.get(target, days.start)
        assert found.get(target) == (DateRange(first, days.end) if first <= days.end else None)


def test_first_days_are_read() -> None:
    """They are dates or texts, by target."""
    assert as_first_days(None) == {}
    given: dict[Target, dt.date | str] = {TARGETS[0]: "2024-02-25", TARGETS[1]: FIRST}
    assert as_first_days(given) == dict.fromkeys(TARGETS[:2], FIRST)


@pytest.mark.parametrize(
    "wrong", [{"account": FIRST}, {TARGETS[0]: "soon"}, {TARGETS[0]: None}, [TARGETS[0]], "2024-01-01"]
)
def test_anything_else_is_a_mistake(wrong: Any) -> None:  # noqa: ANN401 - anything
    """A usage error says what is expected."""
    with pytest.raises(UsageError):
        as_first_days(wrong)


@given(st.lists(st.sampled_from(TARGETS), max_size=8))
def test_targets_are_taken_once_and_in_order(targets: list[Target]) -> None:
    """From any iterable, each target counts once."""
    first = [target for number, target in enumerate(targets) if target not in targets[:number]]
    for several in (targets, tuple(targets), iter(targets), dict.fromkeys(targets)):
        assert list(TargetDays.of(several)) == first


def test_targets_with_first_days() -> None:
    """A pair and what a list has of a target name its first day; a mapping of first days counts more."""
    created = dt.datetime(2024, 3, 5, 23, 59)  # noqa: DTZ001 - on the account's clock
    link, other = Link("a", "https://vvd.bz"), Link("b", "https://vvd.bz")
    found = TargetDays.of(
        [
            ListedLink(link, "A link", created),
            (other, "2024-03-01"),
            (other, "2024-02-01"),
            ListedGroup(Group(1)),
            ListedGroup(Group(2), created=created),
            (Account(), FIRST),
        ],
        {Group(2): FIRST},
    )
    assert list(found) == [link, other, Group(1), Group(2), Account()]
    assert found.since == {
        link: dt.date(2024, 3, 5),
        other: dt.date(2024, 3, 1),
        Group(2): FIRST,
        Account(): FIRST,
    }


@pytest.mark.parametrize(
    "targets", [Account(), Group(7), "https://vvd.bz/kYdr", Query(FIRST, Account()), "account", None, 7]
)
def test_one_target_is_not_several(targets: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """A single target, text, and what cannot be iterated are errors."""
    with pytest.raises(UsageError, match="targets are several"):
        TargetDays.of(targets)


@pytest.mark.parametrize(
    "item", ["account", None, ["a"], Query(FIRST, Account()), (FIRST, Account()), (Account(), FIRST, FIRST)]
)
def test_what_is_no_target(item: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """It is an error, and so is a day that is none."""
    with pytest.raises(UsageError, match="a target is an Account, a Link or a Group"):
        TargetDays.of([item])
    with pytest.raises(UsageError, match="a day is"):
        TargetDays.of([(Account(), 7)])  # type: ignore[list-item]  # the point of the test
