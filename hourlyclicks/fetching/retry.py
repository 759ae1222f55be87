"""Trying again: how often, after how long, and when to stop.

Waits follow exponential backoff with full jitter: before attempt n + 1 a random time between 0 and
``min(cap, base * 2**(n - 1))`` seconds. Three bounds hold: attempts for each day, a deadline for each day,
and a budget for all of them together. The budget is a bucket of tokens: a retry takes one, a success brings
back a tenth. When most of what is asked fails, it runs dry, and the run ends instead of spending its scarce
requests on a server that is down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from hourlyclicks.clock import SECOND
from hourlyclicks.errors import HourlyClicksError, TransportError
from hourlyclicks.model.checks import check_amount, check_whole

if TYPE_CHECKING:
    from random import Random

    from tenacity import DoSleep, RetryCallState

    from hourlyclicks.clock import Clock

_DNS_ATTEMPTS = 2
_SUCCESSES = 10  # bring back what a retry takes


@attrs.frozen
class RetryPolicy:
    """How often and when to try again.

    Args:
        attempts: for each day, the first included; 1 turns retrying off. Refusals because of the rate
            (HTTP 429) do not count.
        base: seconds; the longest wait before the second attempt.
        cap: seconds; the longest wait ever.
        deadline: seconds for each day, from its first request; looked at before each wait for another
            attempt and each pause, while waiting for a turn under the limits is not cut short. ``None`` for
            no deadline.
        budget: retries that may be ahead of the successes, in the whole client; a success earns a tenth
            of one. ``math.inf`` turns the budget off.
    """

    attempts: int = 4
    base: float = 2.0
    cap: float = 30.0
    deadline: float | None = None
    budget: float = 10.0

    def __attrs_post_init__(self) -> None:
        check_whole("RetryPolicy.attempts", self.attempts, least=1)
        check_amount("RetryPolicy.base", self.base, zero=True)
        check_amount("RetryPolicy.cap", self.cap, zero=True)
        check_amount("RetryPolicy.budget", self.budget, zero=True, infinite=True)
        if self.deadline is not None:
            check_amount("RetryPolicy.deadline", self.deadline, infinite=True)


def backoff(attempt: int, policy: RetryPolicy, *, u: float) -> float:
    """Return the seconds to wait after a failed attempt.

    Args:
        attempt: which attempt failed, from 1.
        policy: base and cap.
        u: a random number in [0, 1).
    """
    return u * min(policy.cap, policy.base * 2.0 ** min(attempt - 1, 1000))


class RetryBudget:
    """The tokens that retries take and successes bring back. They are counted in tenths, to be exact."""

    def __init__(self, size: float) -> None:
        self._size = size * _SUCCESSES
        self._tenths = self._size

    @property
    def spent(self) -> bool:
        """Whether there is no token for another retry."""
        return self._tenths < _SUCCESSES

    def take(self) -> None:
        """Pay for a retry."""
        self._tenths -= _SUCCESSES

    def earn(self) -> None:
        """Note a success."""
        if self._tenths < self._size:
            self._tenths = min(self._size, self._tenths + 1)


class Retrier:
    """Repeat what failed, within the bounds.

    Args:
        policy: the bounds.
        clock: what time it is.
        random: where the jitter comes from.
    """

    def __init__(self, policy: RetryPolicy, *, clock: Clock, random: Random) -> None:
        self.budget = RetryBudget(policy.budget)
        self._policy = policy
        self._clock = clock
        self._random = random

    def may_repeat(self, error: HourlyClicksError) -> bool:
        """Return whether a failed first attempt is worth any further thought."""
        return error.retryable and self._policy.attempts > 1

    def too_late(self, started: int, wait: float) -> bool:
        """Return whether a day begun at that moment passes its deadline if it waits so many seconds more."""
        if self._policy.deadline is None:
            return False
        return (self._clock.monotonic() - started) / SECOND + wait > self._policy.deadline

    def begin(self, started: int) -> Attempts:
        """Return the attempts of a question whose first one has failed.

        The first attempt of each day runs without any of this, which costs more than the request itself.

        Args:
            started: when the first one began, in nanoseconds of the clock.
        """
        return Attempts(self, started)

    def wait(self, attempt: int) -> float:
        """Return how many seconds to wait after that attempt."""
        return backoff(attempt, self._policy, u=self._random.random())

    def must_stop(self, attempt: int, wait: float, error: HourlyClicksError, started: int) -> bool:
        """Return whether the failure of an attempt is final."""
        attempts = self._policy.attempts
        if isinstance(error, TransportError) and error.kind == "dns":
            attempts = min(attempts, _DNS_ATTEMPTS)
        return attempt >= attempts or self.budget.spent or self.too_late(started, wait)


class Attempts:
    """The attempts of one question, as tenacity counts them. It neither sends nor sleeps.

    Args:
        retrier: the bounds.
        started: when the first attempt began, in nanoseconds of the clock.
    """

    def __init__(self, retrier: Retrier, started: int) -> None:
        from tenacity import RetryCallState, Retrying, retry_if_exception  # noqa: PLC0415 - see `load_tenacity`

        self._retrier = retrier
        self._retrying = Retrying(  # one for each question: shared, it mixes up their outcomes
            wait=lambda state: retrier.wait(state.attempt_number),
            stop=lambda state: retrier.must_stop(
                state.attempt_number, state.upcoming_sleep, _failure(state), started
            ),
            retry=retry_if_exception(lambda error: isinstance(error, HourlyClicksError) and error.retryable),
            reraise=True,
        )
        self._retrying.begin()
        self._state = RetryCallState(self._retrying, None, (), {})

    @property
    def number(self) -> int:
        """The number of the attempt that is made, from 1."""
        return self._state.attempt_number

    def failed(self, error: HourlyClicksError) -> float:
        """Note that the attempt has failed; return the seconds to wait before the next one.

        Raises:
            HourlyClicksError: that error, when there is no next one.
        """
        self._state.set_exception((type(error), error, error.__traceback__))
        wait: DoSleep = self._retrying.iter(self._state)  # type: ignore[assignment]  # all others raise
        self._retrier.budget.take()
        self._state.prepare_for_next_attempt()
        return float(wait)


def load_tenacity() -> None:
    """Import tenacity, which importing this module does not, so that the package is quick to import."""
    import tenacity  # noqa: F401, PLC0415 - see above


def _failure(state: RetryCallState) -> HourlyClicksError:
    """Return why the attempt failed; only failures of ours get this far."""
    error = state.outcome.exception() if state.outcome is not None else None
    assert isinstance(error, HourlyClicksError)  # noqa: S101 - narrows the type of what `retry` let through
    return error
