"""What there is to do for one account of a fleet."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.errors import UsageError
from hourlyclicks.fleet.keys import KeyRef
from hourlyclicks.model.checks import check_label, check_type
from hourlyclicks.model.dates import DateRange, as_day
from hourlyclicks.model.target_days import TargetDays
from hourlyclicks.model.targets import Target
from hourlyclicks.model.zones import as_zone
from hourlyclicks.pacing.plans import Limits, Plan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hourlyclicks.model.target_days import TargetItem


@attrs.frozen(init=False, repr=False)
class AccountJob:
    """The backfill of one account: plain values and a reference to the key, which can be pickled.

    Args:
        name: the name of the account, in the store, in reports and in logs: 1 to 64 printable characters.
        key: where its API key is.
        plan: its plan; if omitted, that of the limits, or `Plan.PERSONAL`, the most careful one.
        targets: what to fetch, as for `Client.backfill`, from a collection.
        start: the first day. Without one, each target is brought up to date, as `Client.sync` does it.
        end: the last day; if omitted, the last that has ended.
        limits: limits in place of a plan.
        timezone: the account's time zone, an IANA name; if omitted, that of the run.

    Attributes:
        since: the first days of targets that have one.

    Raises:
        UsageError: an argument is invalid. Whether the plan includes the targets is found when the account
            begins, and concerns that account only.
    """

    name: str
    key: KeyRef
    plan: Plan | None
    targets: tuple[Target, ...]
    start: dt.date | None
    end: dt.date | None
    limits: Limits | None
    timezone: str | None
    since: dict[Target, dt.date] = attrs.field(hash=False)

    def __init__(  # the arguments of a client and of its backfill
        self,
        name: str,
        *,
        key: KeyRef,
        targets: Iterable[TargetItem],
        plan: Plan | None = None,
        start: dt.date | str | None = None,
        end: dt.date | str | None = None,
        limits: Limits | None = None,
        timezone: str | None = None,
    ) -> None:
        if not isinstance(key, KeyRef):
            del key  # so that no traceback with locals shows it
            raise UsageError("key is a reference such as KeyRef.env('ACME_KEY'), never the key itself")
        check_label("name", name)
        found = TargetDays.of(targets)
        first, last = (None if day is None else as_day(day) for day in (start, end))
        if first is None and last is not None:
            raise UsageError(f"the account {name!r} has a last day, and no first day")
        if first is not None and last is not None:
            DateRange(first, last)
        if timezone is not None:
            check_type("timezone", timezone, str)
            as_zone(timezone)
        if plan is not None and limits is not None:
            raise UsageError("give a plan or limits, not both")
        for what, value, kind in (("plan", plan, Plan), ("limits", limits, Limits)):
            if value is not None:
                check_type(what, value, kind)
        self.__attrs_init__(
            name=name,
            key=key,
            plan=plan,
            targets=tuple(found),
            start=first,
            end=last,
            limits=limits,
            timezone=timezone,
            since=found.since,
        )

    def __repr__(self) -> str:
        if not hasattr(self, "since"):  # its arguments are being checked
            return f"<{type(self).__name__}>"
        days = f"start={_shown(self.start)}, end={_shown(self.end)}"
        pace = f"limits={self.limits!r}" if self.plan is None else f"plan={self.plan}"
        return (
            f"{type(self).__name__}({self.name!r}, key={self.key!r}, {pace}, targets={self.targets!r},"
            f" {days}, timezone={self.timezone!r})"
        )


def _shown(day: dt.date | None) -> str | None:
    return None if day is None else repr(str(day))
