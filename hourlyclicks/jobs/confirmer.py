"""The requests that make rejections final: a rejected day is requested once more.

Which rejections become final, and why, is in `hourlyclicks.jobs.rejection_log`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.model.rejections import likeness, rejects
from hourlyclicks.pacing.queue import HeldError, OverError
from hourlyclicks.store.ledger import DayState

if TYPE_CHECKING:
    from hourlyclicks.fetching.task import Caller
    from hourlyclicks.jobs.breaker_listener import BreakerListener
    from hourlyclicks.jobs.rejection_log import Rejection, RejectionLog
    from hourlyclicks.jobs.services import Services
    from hourlyclicks.jobs.witnesses import Witnesses
    from hourlyclicks.model.rejections import Likeness
    from hourlyclicks.model.targets import Target


class Confirmer:
    """Record the rejections of one call as final when there is enough evidence.

    Args:
        rejections: the rejections of the call.
        witnesses: knows when a target was answered before.
        caller: the call.
        listener: counts what becomes final.
        services: the parts of the client.
    """

    def __init__(
        self,
        rejections: RejectionLog,
        witnesses: Witnesses,
        *,
        caller: Caller,
        listener: BreakerListener,
        services: Services,
    ) -> None:
        self._rejections = rejections
        self._witnesses = witnesses
        self._caller = caller
        self._listener = listener
        self._cache = services.cache
        self._single_flight = services.single_flight

    async def settle(self, target: Target) -> None:
        """Record those rejections of a target as final for which there is enough evidence.

        A rejection is ready once an answer has come after it. It is skipped if its day was not over when it
        was requested, since the API may know more later. If an earlier run has seen the same rejection, and
        answers after it, it is final. Otherwise it needs an answer before it, in this run or an earlier one,
        and a repetition. One repetition is enough for all rejections of the same kind: they are grouped, and
        the first of the group is requested again, unless this kind is trusted by now.
        """
        groups: dict[Likeness, list[Rejection]] = {}
        for rejection in self._rejections.take_ready(target):
            if self._cache is None or not self._cache.is_over(rejection.query.day, rejection.asked):
                continue
            if await self._is_known_final(rejection):
                await self._record_final(rejection)
            elif rejection.between or rejection.earlier is not None:
                groups.setdefault(likeness(rejection.error), []).append(rejection)
        for like, group in groups.items():
            if self._rejections.trusts(like) or await self._is_repeated(group[0], like):
                for rejection in group:
                    await self._record_final(rejection)

    async def _is_known_final(self, rejection: Rejection) -> bool:
        """Return whether an earlier run saw the same rejection of a day, and answers after it."""
        entry = rejection.earlier
        if entry is None or entry.state is DayState.REFUSED:
            return entry is not None
        answered = (await self._witnesses.earlier_answers(rejection.query.target)).answered
        return answered is not None and entry.asked_at < answered

    async def _is_repeated(self, rejection: Rejection, like: Likeness) -> bool:
        """Request a rejected day once more; return whether it is rejected in the same way."""
        query = rejection.query
        self._rejections.begin_confirmation(query)
        try:
            day = await self._single_flight.fetch(query, self._caller)
        except (OverError, HeldError):
            return False
        except HourlyClicksError as error:
            if error.fatal:
                raise
            again = rejects(error) and likeness(error) == like
            if again:
                self._rejections.repeated(like, again=True)
            return again
        finally:
            self._rejections.end_confirmation(query)
        self._rejections.repeated(like, again=False)
        self._listener.recovered(query, day)
        return False

    async def _record_final(self, rejection: Rejection) -> None:
        assert self._cache is not None  # noqa: S101 - only with a store are there final rejections
        await self._cache.record_rejection(rejection.query, rejection.error, asked=rejection.asked)
        self._listener.became_final(rejection.query)
