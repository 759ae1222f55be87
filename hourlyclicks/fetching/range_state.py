"""What a client knows of the endpoint for ranges of days: what it was told, and what it has seen lately.

Theory. The `record` comes from the store, and may be weeks old. It says how to ask: how many days at a time,
and whether at all. What an answer *means* is another question, because a server can begin to shorten ranges
from one request to the next, and a day that it has not answered for looks like a day without clicks. So a
day without rows is empty only by answers that this client has received within the last minutes
(`RecentProof`). Where these do not suffice, the witness of the record is asked for, once in such a time: one
request or two, for all targets of the account.

An answer that lacks the witness shows that the server has changed, some time after it was last seen to answer
for such ranges. The days that were found empty since then are `unconfirmed`, and are put in doubt.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from itertools import pairwise
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.clock import SECOND, Clock
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.range_caps import RangeCap
from hourlyclicks.model.range_proof import RangeProof
from hourlyclicks.model.range_record import RangeRecord, Witness
from hourlyclicks.model.targets import Query, Target
from hourlyclicks.model.zones import last_ended

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from hourlyclicks.model.questions import Question

_SHIFT = 300 * SECOND
"""A proof counts for one to two of these times; a check is made at most once in one of them."""

URGENT_SHIFT = 60 * SECOND
"""The same, after an answer that looks as if it was shortened."""
_WEEK = 7
"""The longest range that every plan includes."""


class RecentProof:
    """What the answers of the last five to ten minutes have proved, or of another such time.

    Args:
        clock: measures time.
        shift: the nanoseconds for which an answer counts at least; at most it counts for twice as long.
    """

    def __init__(self, clock: Clock, shift: int = _SHIFT) -> None:
        self._clock = clock
        self._shift = shift
        self._began = clock.monotonic()
        self._before = self._latest = RangeProof()

    def get(self) -> RangeProof:
        """Return what is proved."""
        now, shift = self._clock.monotonic(), self._shift
        if now - self._began >= shift:
            self._before = self._latest if now - self._began < 2 * shift else RangeProof()
            self._latest, self._began = RangeProof(), now
        return self._before.combined(self._latest)

    def add(self, proof: RangeProof) -> None:
        """Add what an answer has proved."""
        self.get()
        self._latest = self._latest.combined(proof)

    def clear(self) -> None:
        """Forget all of it."""
        self._before = self._latest = RangeProof()


@attrs.define
class RangeState:
    """What is known of the endpoint for ranges, for all calls of a client.

    Attributes:
        most: how many days the plan allows for a request.
        clock: what time it is.
        strict: whether an error is raised where the endpoint cannot be used, instead of using version 2.
        record: what the store has, or without a store, what was learnt before.
        recent: what is proved at present.
        trying: whether this client tries an endpoint again that was missing; other processes wait meanwhile.
        unconfirmed: the days that were found empty since ranges as long were last seen to be answered for as
            a whole, and the ranges that were asked for.
        proving: held by the one call that asks for a range before they are `settled`.
        checking: held by the one call that asks for the witness.
    """

    most: RangeCap
    clock: Clock
    strict: bool = False
    record: RangeRecord = attrs.field(factory=RangeRecord)
    recent: RecentProof = attrs.field(init=False)
    trying: bool = False
    unconfirmed: dict[Query, DateRange] = attrs.field(factory=dict)
    proving: asyncio.Lock = attrs.field(factory=asyncio.Lock)
    checking: asyncio.Lock = attrs.field(factory=asyncio.Lock)
    _checked: int | None = None
    _asked: Witness | None = None
    _searched: tuple[Target, int] | None = None

    def __attrs_post_init__(self) -> None:
        self.recent = RecentProof(self.clock)

    @property
    def cap(self) -> RangeCap:
        """How many days to ask for at a time at present."""
        return self.record.longest(self.most, self.clock.wall())

    @property
    def latest(self) -> dt.date:
        """The last day that can be asked for: one that is over everywhere."""
        return last_ended(self.clock.wall())

    @property
    def tries_longer(self) -> bool:
        """Whether longer ranges may be asked for again than were answered when one was refused."""
        return self.record.refused_at is not None and self.cap.most_days > self.record.cap.most_days

    @property
    def settled(self) -> bool:
        """Whether calls may ask for ranges at the same time; not while it is open what the server answers."""
        return self.verified and not self.tries_longer

    @property
    def planned(self) -> RangeCap:
        """How many days to put into a batch; while a longer range is tried, not more than were answered."""
        if self.verified and self.tries_longer and self.proving.locked():
            return self.record.cap
        return self.cap

    @property
    def used(self) -> bool:
        """Whether the endpoint is asked at present, and not version 2 in its place."""
        return self.strict or self.trying or self.record.usable(self.clock.wall())

    @property
    def days_per_request(self) -> int:
        """How many days a request asks for, as a rule."""
        return self.cap.usual_days

    @property
    def reach(self) -> int:
        """How long ranges are that are proved at present to be answered for as a whole."""
        return self.recent.get().reach

    @property
    def whole(self) -> int:
        """How long ranges are that are proved at present to be answered for as a whole, even without rows."""
        return self.recent.get().whole

    @property
    def verified(self) -> bool:
        """Whether a day was found to be the same in both versions."""
        return self.record.compared_at is not None

    def uncertain(self, asked: DateRange, answered: set[dt.date]) -> set[dt.date]:
        """Return the days without rows that may not have been answered for; see `RangeProof.uncertain`."""
        return set(self.recent.get().uncertain(asked, answered))

    def learn(self, asked: DateRange, answered: set[dt.date]) -> RangeProof:
        """Note an answer, and return what it proves by itself."""
        proof = RangeProof().after(asked, answered)
        self.recent.add(proof)
        if proof.first_included and proof.last_included:
            self.confirm(proof)
        return proof

    def found_empty(self, question: Question, answered: set[dt.date], days: Iterable[dt.date]) -> None:
        """Note days that were found empty, and not by the rows of the same answer."""
        asked = question.days
        doubtful = set(RangeProof().uncertain(asked, answered)).intersection(days)
        self.unconfirmed.update((Query(day, question.target), asked) for day in doubtful)

    def confirm(self, proof: RangeProof) -> None:
        """Note what was proved after all answers until now."""
        for query, asked in tuple(self.unconfirmed.items()):
            if proof.is_certain(query.day, asked):
                del self.unconfirmed[query]

    def contradicted(self, asked: DateRange, lacking: set[dt.date]) -> set[dt.date]:
        """Return those of some days without rows that were answered for, if what is known holds."""
        proof = self.record.proof.combined(self.recent.get())
        return {day for day in lacking if proof.is_certain(day, asked)}

    def within_proof(self, asked: DateRange, lacking: set[dt.date]) -> DateRange | None:
        """Return the part of a range, from an end that an answer lacks, that is as long as what is proved.

        The range itself was longer, so the lack says nothing of what is proved. ``None``: it was not longer,
        or nothing is proved.
        """
        proof = self.record.proof.combined(self.recent.get())
        if asked.start in lacking and 1 < proof.to_last < len(asked):
            return DateRange(asked.start, asked.start + dt.timedelta(proof.to_last - 1))
        if asked.end in lacking and 1 < proof.from_first < len(asked):
            return DateRange(asked.end - dt.timedelta(proof.from_first - 1), asked.end)
        return None

    def contradict(self, asked: DateRange, lacking: set[dt.date]) -> list[Query]:
        """Note that an answer lacks days that have clicks, although ranges as long were answered for.

        Returns:
            The days that may have been found empty wrongly.
        """
        if any(self.recent.get().is_certain(day, asked) for day in lacking):
            self.recent.clear()
        self.confirm(self.recent.get())
        doubtful = list(self.unconfirmed)
        self.unconfirmed.clear()
        return doubtful

    def is_worth_a_check(self, asked: DateRange, uncertain: set[dt.date]) -> bool:
        """Return whether a check may prove that days of an answer are empty.

        Where only an end of the range is uncertain, and none ever had rows, the server may leave it out. The
        witness tells that once; from then on it is cheaper to ask for that day.
        """
        untried = self.record.witness != self._asked
        return any(
            untried or day not in (asked.start, asked.end) or self.record.proof.is_certain(day, asked)
            for day in uncertain
        )

    def begin_check(self, *, urgent: bool) -> Witness | None:
        """Return the witness to ask for; ``None``: there is none, or it was asked for lately.

        Args:
            urgent: whether the answer looks as if it was shortened. Otherwise, a witness that proves more
                than the one that was asked for is not kept waiting.
        """
        now, pause, witness = self.clock.monotonic(), URGENT_SHIFT if urgent else _SHIFT, self.record.witness
        if witness is None:
            return None
        if self._checked is not None and now - self._checked < pause:
            asked = self._asked
            if urgent or (asked is not None and self._worth(asked) >= self._worth(witness)):
                return None
        self._checked, self._asked = now, witness
        return witness

    def begin_search(self, target: Target) -> bool:
        """Return whether to look for a witness among the days of a target, if that was not done lately."""
        now = self.clock.monotonic()
        if self._searched is not None and self._searched[0] == target and now - self._searched[1] < _SHIFT:
            return False
        self._searched = target, now
        return True

    def checks(self, witness: Witness, asked: DateRange, *, all_of_them: bool = False) -> list[DateRange]:
        """Return what to ask for, to prove that ranges as long as one are answered for.

        Args:
            witness: the witness.
            asked: the range that was answered with days left uncertain.
            all_of_them: whether to ask also for what is proved at present.
        """
        reach, alone = self._worth(witness)
        if alone and reach >= len(asked):
            return [witness.days]
        proof = RangeProof() if all_of_them else self.recent.get()
        return [
            check for check in witness.checks(self.cap, self.latest) if not _is_proved(check, witness, proof)
        ]

    def better(self, record: RangeRecord, witness: Witness | None) -> Witness | None:
        """Return the better of the witness of a record and another one."""
        return record.better(witness, self.cap, self.latest)

    def _worth(self, witness: Witness) -> tuple[int, bool]:
        return witness.worth(self.cap, self.latest)


def _is_proved(check: DateRange, witness: Witness, proof: RangeProof) -> bool:
    """Return whether a check would tell what is known: that its end of a range so long is not cut."""
    if check.start in (witness.days.start, witness.days.end):
        return proof.first_included and proof.to_last >= len(check)
    return proof.last_included and proof.from_first >= len(check)


def is_suspicious(asked: DateRange, answered: Collection[dt.date]) -> bool:
    """Return whether an answer looks as if the server had cut the range.

    That is so if it has no rows at one side of the range, for longer than the gaps between the rows explain.
    Links begin and end in the same way, so it is a reason to check, and no proof.
    """
    if len(asked) <= _WEEK or not answered:
        return False
    days = [asked.start.toordinal() - 1, *(day.toordinal() for day in sorted(answered))]
    first, *inside = [after - before - 1 for before, after in pairwise(days)]
    last = asked.end.toordinal() - days[-1]
    return max(first, last) > _WEEK + 2 * max(inside, default=0)
