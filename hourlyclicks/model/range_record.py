"""What one run learns of an endpoint for ranges of days, and the next one is told.

A record belongs to an account. It saves requests: the longest range that is not refused, the comparison with
version 2, and a pause after the endpoint was missing are not found out again. Each has its date, because a
server changes:

* After `TRY_LONGER_AFTER` a longer range than the one that was answered is tried again. The first time, that
  is done after `TRY_AGAIN_AFTER`: a gateway may have refused it in place of the API, for a moment.
* An endpoint that was missing, or had other figures, is tried again after `TRY_AGAIN_AFTER`.
* What was *proved* (`hourlyclicks.model.range_proof`) only tells what can be proved again. By itself it makes
  no day empty: a server that has begun to cut ranges since would turn its silence into figures. The *witness*
  is a day with clicks, or two of them, by which one request or two prove it again.

A date in the future comes from a wrong clock, and does not count.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Self

import attrs

from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.range_caps import MONTH, RangeCap
from hourlyclicks.model.range_proof import RangeProof
from hourlyclicks.model.targets import Target

if TYPE_CHECKING:
    from collections.abc import Collection

TRY_LONGER_AFTER = dt.timedelta(days=30)
"""After which a longer range is tried again than the one that was answered."""
TRY_AGAIN_AFTER = dt.timedelta(hours=24)
"""After which an endpoint is tried again that was missing, or had other figures than version 2."""

_SKEW = dt.timedelta(minutes=5)
_SAME_CAP_WITHIN = 2 * TRY_LONGER_AFTER
"""A cap that is found again so soon is that of the server."""


@attrs.frozen
class Witness:
    """Days that had clicks: an answer for a range with one of them that lacks its rows was shortened.

    A month from a day on, or up to a day, is longer in some months than in others. Therefore there are two
    days: one may be better to begin a range with, and the other to end it.

    Args:
        target: the target.
        days: from the one day to the other; perhaps the same day, perhaps years later.
    """

    target: Target
    days: DateRange

    @classmethod
    def best(cls, target: Target, days: Collection[dt.date], cap: RangeCap, latest: dt.date) -> Self:
        """Return the best witness among some days of a target that had clicks.

        Args:
            target: the target.
            days: the days; at least one.
            cap: how many days a request may ask for.
            latest: the last day that can be asked for.
        """
        begin = max(days, key=lambda day: (cap.last(day) <= latest, _days(day, cap.last(day)), day))
        end = max(days, key=lambda day: (_days(cap.first(day), day), day))
        pairs = (min(days), max(days)), (min(begin, end), max(begin, end))
        found = [cls(target, DateRange(*pair)) for pair in pairs]
        return max(found, key=lambda each: each.worth(cap, latest))

    def checks(self, cap: RangeCap, latest: dt.date) -> list[DateRange]:
        """Return a range that begins on one of the days, and one that ends on one, as long as there are."""
        days = self.days.start, self.days.end
        begins = [DateRange(day, cap.last(day)) for day in days if cap.last(day) <= latest]
        ends = [DateRange(cap.first(day), day) for day in days]
        return [max(ranges, key=len) for ranges in (begins, ends) if ranges]

    def worth(self, cap: RangeCap, latest: dt.date) -> tuple[int, bool]:
        """Return how much it proves: how long ranges are answered for, and whether one request tells."""
        alone = len(self.days) if cap.allows(self.days) else 0
        checks = self.checks(cap, latest)
        around = min(map(len, checks)) if len(checks) > 1 else 0
        return max(alone, around), alone >= around


@attrs.frozen(kw_only=True)
class RangeRecord:
    """What is known of an endpoint for ranges, of one account.

    Args:
        cap: the longest range that was asked for, or that was answered after a longer one had been refused.
        refused_at: when the longer one was refused; ``None``: none was. Of a cap that was found only once, it
            is so much earlier that ``TRY_LONGER_AFTER`` is over after ``TRY_AGAIN_AFTER``.
        proof: what answers have proved.
        proved_at: when.
        witness: days that prove it again.
        compared_at: when a day was found to be the same in both versions.
        unusable_at: when the endpoint was missing, had other figures, or was tried again after that.
    """

    cap: RangeCap = MONTH
    refused_at: dt.datetime | None = None
    proof: RangeProof = attrs.field(factory=RangeProof)
    proved_at: dt.datetime | None = None
    witness: Witness | None = None
    compared_at: dt.datetime | None = None
    unusable_at: dt.datetime | None = None

    def longest(self, most: RangeCap, now: dt.datetime) -> RangeCap:
        """Return how many days a request may ask for.

        Args:
            most: how many the plan allows.
            now: the present moment.
        """
        if not _is_within(self.refused_at, now, TRY_LONGER_AFTER):
            return most
        return self.cap if self.cap.most_days < most.most_days else most

    def usable(self, now: dt.datetime) -> bool:
        """Return whether the endpoint may be used, or tried again."""
        return not _is_within(self.unusable_at, now, TRY_AGAIN_AFTER)

    def is_old(self, now: dt.datetime) -> bool:
        """Return whether it is more than a day since something was proved."""
        return not _is_within(self.proved_at, now, TRY_AGAIN_AFTER)

    def answered_after_refusal(self, cap: RangeCap, now: dt.datetime) -> RangeRecord:
        """Return the record after a range of that length was answered, and a longer one refused."""
        if _is_within(self.refused_at, now, TRY_LONGER_AFTER) and self.cap.most_days <= cap.most_days:
            return self  # another process has found it meanwhile, or a lower one
        again = self.cap == cap and _is_within(self.refused_at, now, _SAME_CAP_WITHIN)
        return attrs.evolve(
            self, cap=cap, refused_at=now if again else now - TRY_LONGER_AFTER + TRY_AGAIN_AFTER
        )

    def longest_answered(self) -> RangeRecord:
        """Return the record after the longest range was answered that the plan allows."""
        return attrs.evolve(self, cap=MONTH, refused_at=None)

    def compared(self, now: dt.datetime) -> RangeRecord:
        """Return the record after a day was found to be the same in both versions."""
        return attrs.evolve(self, compared_at=now, unusable_at=None)

    def given_up(self, now: dt.datetime) -> RangeRecord:
        """Return the record after the endpoint was missing, or had other figures."""
        return attrs.evolve(self, compared_at=None, unusable_at=now)

    def tried_again(self, now: dt.datetime) -> RangeRecord:
        """Return the record for one process that tries the endpoint again; all others wait."""
        return attrs.evolve(self, unusable_at=now)

    def proved(self, proof: RangeProof, witness: Witness | None, now: dt.datetime) -> RangeRecord:
        """Return the record after answers have proved something.

        Args:
            proof: what they have proved.
            witness: the better of the witness that is known and one of theirs, see `better`.
            now: the present moment.
        """
        return attrs.evolve(self, proof=self.proof.combined(proof), witness=witness, proved_at=now)

    def without_witness(self) -> RangeRecord:
        """Return the record after the witness could not be asked for."""
        return attrs.evolve(self, witness=None)

    def better(self, witness: Witness | None, cap: RangeCap, latest: dt.date) -> Witness | None:
        """Return the witness that is known, unless another one, or the days of both, prove more.

        Args:
            witness: the other one.
            cap: how many days a request may ask for.
            latest: the last day that can be asked for.
        """
        known = self.witness
        if witness is None or known is None:
            return witness or known
        found = [known, witness]
        if known.target == witness.target:
            days = {day for each in found for day in (each.days.start, each.days.end)}
            found.append(Witness.best(known.target, days, cap, latest))
        return max(found, key=lambda each: each.worth(cap, latest))

    def disproved(self, proof: RangeProof, now: dt.datetime) -> RangeRecord:
        """Return the record after an answer has lacked the witness; `proof`: what answers prove since."""
        return attrs.evolve(self, proof=proof, witness=None, proved_at=now)


def _days(first: dt.date, last: dt.date) -> int:
    return last.toordinal() - first.toordinal() + 1


def _is_within(moment: dt.datetime | None, now: dt.datetime, span: dt.timedelta) -> bool:
    return moment is not None and -_SKEW <= now - moment < span
