"""Events about a whole call: how far it is, and that it was cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import attrs

from hourlyclicks.events.base import BaseEvent
from hourlyclicks.events.wording import Binding, short_duration
from hourlyclicks.model.daily_series import DailySeries
from hourlyclicks.model.quantities import count
from hourlyclicks.model.series import HourlySeries
from hourlyclicks.model.targets import Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks.events.context import CallContext


class _Deferred(BaseEvent):
    """Compute the attributes `eta` and `binding`, if they were not given, when they are first read.

    Comparing, printing and pickling an event reads them.
    """

    _compute: Callable[[], tuple[float, Binding]] | None = None

    if not TYPE_CHECKING:  # a type checker must go on finding misspelt attributes

        def __getattr__(self, name: str) -> object:
            """Compute both."""
            if name in {"eta", "binding"} and self._compute is not None:
                eta, binding = self._compute()
                vars(self).update(eta=eta, binding=binding, _compute=None)
            return object.__getattribute__(self, name)


@attrs.frozen(kw_only=True, slots=False)
class Progress(_Deferred):
    """Where a ``fetch``, ``stream`` or ``backfill`` stands; sent after every day that is done or has failed.

    Args:
        done: days answered so far, those in the store included.
        failed: days that failed so far.
        total: days of the whole call, of all its targets that are known by then.
        eta: seconds until its end if nothing more fails, computed from the limits, for these days.
        binding: what determines that figure.
        listed: whether all targets are known; if not, `total` and `eta` will grow.
    """

    done: int
    failed: int
    total: int
    eta: float
    binding: Binding
    listed: bool = True

    @classmethod
    def deferred(
        cls,
        *,
        done: int,
        failed: int,
        total: int,
        compute: Callable[[], tuple[float, Binding]],
        of: CallContext | BaseEvent | None = None,
        listed: bool = True,
    ) -> Self:
        """Create an event that computes its `eta` and `binding` when they are first read.

        Args:
            done: as above.
            failed: as above.
            total: as above.
            compute: returns both.
            of: whose it is: a call, or another event of it.
            listed: as above.
        """
        of = of or _OF_NO_CALL
        event = cls.__new__(cls)
        event.__dict__.update(
            call=of.call,
            label=of.label,
            lane=of.lane,
            target=of.target,
            done=done,
            failed=failed,
            total=total,
            listed=listed,
            _compute=compute,
        )
        return event

    def __getstate__(self) -> dict[str, object]:
        """Return all fields, computed; what computes them is not pickled or copied."""
        return {field.name: getattr(self, field.name) for field in attrs.fields(type(self))}

    @property
    def message(self) -> str:
        """What has happened, in words."""
        failed = f", {count(self.failed, 'day')} failed" if self.failed else ""
        least = "" if self.listed else "at least "
        return (
            f"{self.done:,} of {least}{count(self.total, 'day')} done{failed},"
            f" {least}{short_duration(self.eta)} left, bound by {self.binding}"
        )


_OF_NO_CALL = BaseEvent()


@attrs.frozen(kw_only=True, slots=False)
class FetchCancelled(BaseEvent):
    """A ``fetch`` or a ``daily`` was cancelled; the event has the days fetched before.

    Args:
        target: the target.
        series: the days that were answered before; the others are in its `missing_days`.
    """

    target: Target
    series: HourlySeries | DailySeries

    @property
    def message(self) -> str:
        """What has happened, in words."""
        days = len(self.series.range) - len(self.series.missing_days)
        return (
            f"a call for {self.target} was cancelled, with {days:,} of {count(len(self.series.range), 'day')}"
        )
