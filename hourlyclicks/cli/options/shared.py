"""Options that several commands share. Each group of them arrives in the command as one value."""

from __future__ import annotations

import datetime as dt
import functools
import math
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
import click

from hourlyclicks.errors import PlanError, UsageError
from hourlyclicks.model.checks import check_label
from hourlyclicks.model.dates import DateRange, as_day
from hourlyclicks.model.zones import last_ended
from hourlyclicks.pacing.plans import Limits, Plan, as_rate, list_limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hourlyclicks.model.targets import Target
    from hourlyclicks.pacing.plans import Rate

    Command: TypeAlias = Callable[..., Any]

PLANS = {plan.value.lower().replace(" ", "-"): plan for plan in Plan}
"""The plans by the names they have on the command line."""

_DAYS = re.compile(r"(?P<number>[0-9]{1,6})(?P<unit>[dw])", re.ASCII)
_UNITS = {"d": 1, "w": 7}


class Finite(click.FloatRange):
    """A number within bounds; "nan" is none, though it is neither below nor above any bound."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401 - the signature of click
        """Read the number."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is not a number", param, ctx)
        return number


class FilePath(click.Path):
    """The type of an option that names a file; an empty name, as of a variable that is not set, is none."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - as in the base
        """Return the path."""
        if value == "":
            self.fail("the name of the file is empty", param, ctx)
        return super().convert(value, param, ctx)


def path_type() -> click.Path:
    """Return the type of an option that names a file."""
    return FilePath()


def read_day(value: str) -> dt.date:
    """Read a day."""
    try:
        return as_day(value)
    except UsageError as error:
        raise click.BadParameter(str(error)) from None


def read_span(value: str) -> int:
    """Read a number of days: ``"30d"`` or ``"4w"``."""
    found = _DAYS.fullmatch(value)
    if found is None or int(found["number"]) == 0:
        raise click.BadParameter(f"{value!r} is not a number of days or weeks, such as 30d or 4w")
    return int(found["number"]) * _UNITS[found["unit"]]


def read_period(value: str) -> DateRange:
    """Read a first and a last day: ``"2025-01-01..2025-03-31"``."""
    first, dots, last = value.partition("..")
    if not dots:
        raise click.BadParameter(f"{value!r} is not two days, such as 2025-01-01..2025-03-31")
    try:
        return DateRange.of(first, last)
    except UsageError as error:
        raise click.BadParameter(str(error)) from None


def read_rate(value: str) -> Rate:
    """Read a rate: ``"24/60"``."""
    try:
        return as_rate(value)
    except UsageError as error:
        raise click.BadParameter(str(error)) from None


@attrs.frozen
class Period:
    """The days that were asked for; which ones these are may depend on the present moment."""

    start: dt.date | None
    end: dt.date | None
    last: int | None

    def days(self, zone: dt.tzinfo | None, now: dt.datetime) -> DateRange:
        """Return the days.

        Args:
            zone: the zone of the account, if it is known.
            now: the present moment.
        """
        if self.last is None:
            assert self.start is not None  # noqa: S101 - `_period` has seen to it
            assert self.end is not None  # noqa: S101 - likewise
            return DateRange(self.start, self.end)
        end = last_ended(now, zone)
        if self.last > end.toordinal():
            raise UsageError(f"--last {self.last}d goes back beyond the year 1")
        return DateRange(end - dt.timedelta(days=self.last - 1), end)


@attrs.frozen
class RateOptions:
    """How fast to ask, and the plan whose rules hold.

    Args:
        limits: the limits to keep.
        plan: the plan, if it is known.
        named: whether the user named it.
    """

    limits: Limits
    plan: Plan | None
    named: bool

    def check(self, target: Target) -> None:
        """Raise `PlanError` if the plan does not include that kind of target."""
        if self.plan is not None:
            with self._explained():
                self.plan.check(target)

    @property
    def of_lists(self) -> Limits:
        """How fast to read the lists of links and groups.

        Raises:
            PlanError: the plan does not include them.
        """
        if self.plan is None:
            return self.limits
        with self._explained():
            return attrs.evolve(list_limits(self.plan), guard=self.limits.guard)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Add to an error about a plan that it was not named."""
        try:
            yield
        except PlanError as error:
            if self.named:
                raise
            raise PlanError(f"{error}; it is assumed since no --plan was named") from None


def with_period(command: Command) -> Command:
    """Add ``--from``, ``--to`` and ``--last``, one of which is needed; the command takes ``period``."""

    @functools.wraps(command)
    def checked(*args: Any, period: Period | None, **rest: Any) -> Any:  # noqa: ANN401 - whatever the command takes and gives
        return command(*args, period=needed(period), **rest)

    return with_any_period(checked)


def needed(period: Period | None) -> Period:
    """Return the days that were given; that none were is a mistake."""
    if period is None:
        raise click.UsageError("no days given: use --from and --to, or --last")
    return period


def with_any_period(command: Command) -> Command:
    """Add ``--from``, ``--to`` and ``--last``; the command takes ``period``, ``None`` without them."""

    @click.option("--from", "start", metavar="YYYY-MM-DD", type=read_day, help="The first day.")
    @click.option("--to", "end", metavar="YYYY-MM-DD", type=read_day, help="The last day.")
    @click.option(
        "--last",
        metavar="30d",
        type=read_span,
        help="The last N days (30d) or weeks (4w) up to yesterday, in place of --from and --to.",
    )
    @functools.wraps(command)
    def folded(*args: Any, start: dt.date | None, end: dt.date | None, last: int | None, **rest: Any) -> Any:  # noqa: ANN401 - whatever the command takes and gives
        return command(*args, period=_period(start, end, last), **rest)

    return folded


def with_range(command: Command) -> Command:
    """Add ``--from`` and ``--to``, both or neither; the command takes ``days``."""

    @click.option("--from", "start", metavar="YYYY-MM-DD", type=read_day, help="The first day.")
    @click.option("--to", "end", metavar="YYYY-MM-DD", type=read_day, help="The last day.")
    @functools.wraps(command)
    def folded(*args: Any, start: dt.date | None, end: dt.date | None, **rest: Any) -> Any:  # noqa: ANN401 - whatever the command takes and gives
        if (start is None) != (end is None):
            raise click.UsageError("use --from and --to together")
        days = None if start is None or end is None else DateRange(start, end)
        return command(*args, days=days, **rest)

    return folded


def with_rate(command: Command) -> Command:
    """Add ``--plan``, ``--limit``, ``--concurrency`` and ``--guard``; the command takes ``rate``.

    It is ``None`` if none of these options is given.
    """

    @click.option(
        "--plan",
        type=click.Choice(list(PLANS), case_sensitive=False),
        help="Your plan; its published limits are kept.",
    )
    @click.option(
        "--limit",
        metavar="N/SECONDS",
        type=read_rate,
        multiple=True,
        help="Your own limit in place of --plan, such as 24/60; repeatable.",
    )
    @click.option(
        "--concurrency",
        metavar="N",
        type=click.IntRange(1),
        help="The maximum number of concurrent requests.",
    )
    @click.option(
        "--guard",
        metavar="SECONDS",
        type=Finite(0),
        help="Extend each rate limit window by this safety margin.  [default: 1]",
    )
    @functools.wraps(command)
    def folded(
        *args: Any,  # noqa: ANN401 - whatever the command takes
        plan: str | None,
        limit: tuple[Rate, ...],
        concurrency: int | None,
        guard: float | None,
        **rest: Any,  # noqa: ANN401 - likewise
    ) -> Any:  # noqa: ANN401 - likewise
        changes = {"concurrency": concurrency, "guard": guard}
        return command(
            *args, rate=_rate_of(plan, limit, {k: v for k, v in changes.items() if v is not None}), **rest
        )

    return folded


def with_run_name(text: str) -> Callable[[Command], Command]:
    """Return a decorator that adds ``--name`` with a help text; the command takes ``name``."""
    return click.option("--name", metavar="NAME", type=read_label, help=text)


def read_label(value: str) -> str:
    """Read a name that can be shown on one line."""
    check_label("the name", value)
    return value


def default_rate() -> RateOptions:
    """Return the limits without any option: those of the smallest plan with access to the API."""
    return RateOptions(Plan.PERSONAL.limits, Plan.PERSONAL, named=False)


def _period(start: dt.date | None, end: dt.date | None, last: int | None) -> Period | None:
    ends_given = [start is not None, end is not None]
    if last is not None and any(ends_given):
        raise click.UsageError("use --last, or --from and --to, not both")
    if last is None and not any(ends_given):
        return None
    if last is None and not all(ends_given):
        raise click.UsageError("use --from and --to together")
    return Period(start, end, last)


def _rate_of(plan: str | None, rates: tuple[Rate, ...], changes: dict[str, Any]) -> RateOptions | None:
    if plan is not None and rates:
        raise click.UsageError("use --plan or --limit, not both")
    if rates:
        return RateOptions(Limits(rates, **changes), None, named=False)
    if plan is None and not changes:
        return None
    chosen = PLANS[plan] if plan is not None else Plan.PERSONAL
    return RateOptions(attrs.evolve(chosen.limits, **changes), chosen, named=plan is not None)


def present() -> dt.datetime:
    """Return the present moment."""
    return dt.datetime.now(dt.UTC)
