from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.clock import SECOND
from hourlyclicks.errors import UsageError
from hourlyclicks.simulator.algorithms import (
    ALGORITHMS,
    FixedWindow,
    LeakyBucket,
    SlidingLog,
    TokenBucket,
    TwoBuckets,
    WholeSeconds,
    algorithm,
)
from hourlyclicks.simulator.limit_set import ArrivalLog, LimitSet

if TYPE_CHECKING:
    from hourlyclicks.simulator.algorithms import (
        Algorithm,
        Policing,
    )

Oracle = Callable[[list[int], int, int, int], bool]

# Small numbers, so that windows, seconds and arrivals meet exactly again and again.
numbers = st.integers(1, 5)
windows = st.integers(1, 40)
arrivals = st.lists(st.integers(0, 300), max_size=60).map(sorted)


def _sliding_log(booked: list[int], now: int, requests: int, window: int) -> bool:
    return sum(now - moment < window for moment in booked) < requests


def _fixed_window(booked: list[int], now: int, requests: int, window: int) -> bool:
    return sum(moment // window == now // window for moment in booked) < requests


def _leaky_bucket(booked: list[int], now: int, requests: int, window: int) -> bool:
    return not booked or Fraction(now - booked[-1]) >= Fraction(window, requests)


def _token_bucket(booked: list[int], now: int, requests: int, window: int) -> bool:
    level, last = Fraction(requests), 0
    for moment in [*booked, now]:
        level = min(Fraction(requests), level + Fraction((moment - last) * requests, window)) - 1
        last = moment
    return level >= 0


def _two_buckets(booked: list[int], now: int, requests: int, window: int) -> bool:
    index = now // window
    before = sum(moment // window == index - 1 for moment in booked)
    here = sum(moment // window == index for moment in booked)
    return before * (1 - Fraction(now % window, window)) + here + 1 <= requests


PAIRS = [
    pytest.param(SlidingLog, _sliding_log, id="sliding_log"),
    pytest.param(FixedWindow, _fixed_window, id="fixed_window"),
    pytest.param(LeakyBucket, _leaky_bucket, id="leaky_bucket"),
    pytest.param(TokenBucket, _token_bucket, id="token_bucket"),
    pytest.param(TwoBuckets, _two_buckets, id="two_buckets"),
]


@pytest.mark.parametrize(("algorithm", "oracle"), PAIRS)
@given(requests=numbers, window=windows, moments=arrivals)
def test_each_algorithm_does_what_its_definition_says(
    algorithm: type[Algorithm], oracle: Oracle, requests: int, window: int, moments: list[int]
) -> None:
    """A verdict equals that of the definition, worked out anew from all accepted arrivals."""
    officer, booked = algorithm(requests, window), list[int]()
    for moment in moments:
        expected = oracle(booked, moment, requests, window)
        assert officer.arrive(moment) == expected
        if expected:
            booked.append(moment)
    assert officer.refused == len(moments) - len(booked)


@given(requests=numbers, seconds=st.integers(1, 8), second=st.integers(1, 7), moments=arrivals)
def test_whole_seconds_are_counted_strictly(
    requests: int, seconds: int, second: int, moments: list[int]
) -> None:
    """Stamps up to a window apart, the window included, count together."""
    officer, booked = WholeSeconds(requests, seconds * second, second=second), list[int]()
    for moment in moments:
        stamp = moment // second
        expected = sum(stamp - other // second <= seconds for other in booked) < requests
        assert officer.arrive(moment) == expected
        if expected:
            booked.append(moment)


@pytest.mark.parametrize("name", ALGORITHMS)
@given(requests=numbers, seconds=st.integers(1, 8), moments=arrivals, manner=st.sampled_from("fc"))
def test_opens_is_the_first_allowed_moment(
    name: Policing, requests: int, seconds: int, moments: list[int], manner: str
) -> None:
    """`opens` is the first moment at which a request is allowed, to the nanosecond."""
    officer = algorithm(name, requests, seconds, time_scale=3e-9, charge_refused=manner == "c")
    for moment in moments:
        officer.arrive(moment)
        opens = officer.opens(moment)
        closed = [then for then in range(moment, opens) if officer.allows(then)]
        assert (opens >= moment, closed, officer.allows(opens)) == (True, [], True)


@pytest.mark.parametrize("name", ["sliding_log", "fixed_window", "whole_seconds", "leaky_bucket"])
def test_refused_requests_count_only_if_told_to(name: Policing) -> None:
    """Rejected requests do not count by default, and do when they are charged."""
    patient = algorithm(name, 1, 10, time_scale=1e-9)
    strict = algorithm(name, 1, 10, time_scale=1e-9, charge_refused=True)
    verdicts = [(patient.arrive(moment), strict.arrive(moment)) for moment in (0, 9, 18)]
    assert verdicts[:2] == [(True, True), (False, False)]
    assert verdicts[2] == (True, name == "fixed_window")


def test_a_token_bucket_charges_what_there_is() -> None:
    """A charged rejection empties the bucket, and leaves no debt."""
    officer = TokenBucket(1, 10, charge_refused=True)
    assert [officer.arrive(moment) for moment in (0, 9, 18, 28)] == [True, False, False, True]


def test_seconds_scale_with_the_windows() -> None:
    """On a scale of 1/60 a minute takes a second, and stamps are taken in sixtieths."""
    officer = algorithm("whole_seconds", 1, 60, time_scale=1 / 60)
    second = round(SECOND / 60)
    assert officer.window == 60 * second
    assert [officer.arrive(moment) for moment in (0, SECOND, 61 * second - 1, 61 * second)] == [
        True,
        False,
        False,
        True,
    ]


def test_invalid_limits_are_errors() -> None:
    """An unknown algorithm and a limit of zero are usage errors."""
    with pytest.raises(UsageError, match="sliding_log"):
        algorithm("honour", 1, 60)  # type: ignore[arg-type]  # the point of the test
    with pytest.raises(UsageError, match="at least one"):
        algorithm("sliding_log", 0, 60)
    with pytest.raises(UsageError, match="at least"):
        algorithm("sliding_log", 1, 0)


@given(moments=arrivals, window=windows)
def test_the_arrival_log_counts_by_itself(moments: list[int], window: int) -> None:
    """The most arrivals in any window equal an exhaustive search."""
    log = ArrivalLog()
    for moment in moments:
        log.arrive(moment)
    expected = max(
        (sum(first <= moment < first + window for moment in moments) for first in moments), default=0
    )
    assert log.max_in_window(window) == expected


@given(requests=numbers, window=windows, moments=arrivals)
def test_what_a_sliding_log_accepts_never_exceeds_the_limit(
    requests: int, window: int, moments: list[int]
) -> None:
    """The arrival log has no window with more accepted requests than the limit."""
    officer, log = SlidingLog(requests, window), ArrivalLog()
    for moment in moments:
        if officer.arrive(moment):
            log.arrive(moment)
    assert log.max_in_window(window) <= requests


def test_several_limits_hold_at_once() -> None:
    """A request that one limit rejects does not count in the others."""
    minute, hour = SlidingLog(2, 60), SlidingLog(3, 3600)
    limits = LimitSet([minute, hour])
    verdicts = [limits.arrive(moment) for moment in (0, 1, 2, 61, 62)]
    assert verdicts == ["accepted", "accepted", "rate", "accepted", "rate"]
    assert (minute.refused, hour.refused) == (1, 1)
    assert limits.opens(62) == 3600
    assert limits.log.max_in_window(60) == 3


def test_the_cap_on_concurrency_frees_with_each_leave() -> None:
    """At most so many are in service, and a rejected one counts neither there nor in the rate."""
    limits = LimitSet([SlidingLog(3, 100)], concurrency=1)
    assert [limits.arrive(moment) for moment in (0, 1)] == ["accepted", "concurrency"]
    limits.leave()
    assert [limits.arrive(2), limits.opens(3)] == ["accepted", 3]


def test_without_limits_all_is_accepted() -> None:
    """Without rates and concurrency, every request is accepted."""
    limits = LimitSet([])
    assert {limits.arrive(0) for _ in range(100)} == {"accepted"}
    assert limits.opens(5) == 5
