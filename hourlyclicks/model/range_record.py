"""What one run learns of an endpoint for ranges of days, and the next one is told.

A record belongs to an account. It saves requests: the longest range that is not refused, the comparison with
version 2, and a pause after the endpoint was missing are not found out again. Each has its date, because a
server changes:

* After `TRY_LONGER_AFTER` a longer range than the one that was answered is tried again. The first time, that
  is done after `TRY_AGAIN_AFTER`: a gateway may have refused it in place of the API, for a moment.
* An endpoint that was missing, or had other figures, is tried again after `TRY_AGAIN_AFTER`.
* What was *proved* (`hourlyclicks.model.range_proof`) only tells what can be proved again. By itself it makes
  no day empty: a server that has begun to cut ranges since would turn its silence into figures. The *witness*
  is a range by which one request proves it again.

A date in the future comes from a wrong clock, and does not count.
"""

from __future__ import annotations

import datetime as dt

import attrs

from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.range_caps import MONTH, RangeCap
from hourlyclicks.model.range_proof import RangeProof
from hourlyclicks.model.targets import Target

TRY_LONGER_AFTER = dt.timedelta(days=30)
"""After which a longer range is tried again than the one that was answered."""
TRY_AGAIN_AFTER = dt.timedelta(hours=24)
"""After which an endpoint is tried again that was missing, or had other figures than version 2."""

_SKEW = dt.timedelta(minutes=5)
_SAME_CAP_WITHIN = 2 * TRY_LONGER_AFTER
"""A cap that is found again so soon is that of the server."""


@attrs.frozen
class Witness:
    """A range whose first day and last day had clicks, so that an answer for it without them was shortened.

    Args:
        target: the target.
        days: the range, perhaps of one day.
    """

    target: Target
    days: DateRange

    def worth(self) -> tuple[int, int]:
        """Return how much it proves: its length; of a day, the length of the ranges around it.

        A month from a day on, or up to a day, is longer in some months than in others.
        """
        day = self.days.start
        return len(self.days), min(_days(day, MONTH.last(day)), _days(MONTH.first(day), day))


@attrs.frozen(kw_only=True)
class RangeRecord:
    """What is known of an endpoint for ranges, of one account.

    Args:
        cap: the longest range that was asked for, or that was answered after a longer one had been refused.
        refused_at: when the longer one was refused; ``None``: none was. Of a cap that was found only once, it
            is so much earlier that ``TRY_LONGER_AFTER`` is over after ``TRY_AGAIN_AFTER``.
        proof: what answers have proved.
        proved_at: when.
        witness: a range that proves it again.
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
        """Return the record after answers have proved something; the better witness is kept."""
        held = witness if self.is_better(witness) else self.witness
        return attrs.evolve(self, proof=self.proof.combined(proof), witness=held, proved_at=now)

    def without_witness(self) -> RangeRecord:
        """Return the record after the witness could not be asked for."""
        return attrs.evolve(self, witness=None)

    def is_better(self, witness: Witness | None) -> bool:
        """Return whether a witness proves more than the one that is known."""
        return witness is not None and (self.witness is None or witness.worth() > self.witness.worth())

    def disproved(self, proof: RangeProof, now: dt.datetime) -> RangeRecord:
        """Return the record after an answer has lacked the witness; `proof`: what answers prove since."""
        return attrs.evolve(self, proof=proof, witness=None, proved_at=now)


def _days(first: dt.date, last: dt.date) -> int:
    return last.toordinal() - first.toordinal() + 1


def _is_within(moment: dt.datetime | None, now: dt.datetime, span: dt.timedelta) -> bool:
    return moment is not None and -_SKEW <= now - moment < span
