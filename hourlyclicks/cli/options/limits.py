"""The rate limits of a command: ``--plan``, ``--limit``, ``--concurrency`` and ``--guard``, as one value."""

from __future__ import annotations

import functools
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import attrs
import click

from hourlyclicks.cli.options.types import Finite
from hourlyclicks.errors import PlanError, UsageError
from hourlyclicks.pacing.plans import Limits, Plan, as_rate, list_limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hourlyclicks.cli.options.types import Command
    from hourlyclicks.model.targets import Target
    from hourlyclicks.pacing.plans import Rate

PLANS = {plan.value.lower().replace(" ", "-"): plan for plan in Plan}
"""The plans by the names they have on the command line."""


def read_rate(value: str) -> Rate:
    """Read a rate: ``"24/60"``."""
    try:
        return as_rate(value)
    except UsageError as error:
        raise click.BadParameter(str(error)) from None


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


def default_rate() -> RateOptions:
    """Return the limits without any option: those of the smallest plan with access to the API."""
    return RateOptions(Plan.PERSONAL.limits, Plan.PERSONAL, named=False)


def _rate_of(plan: str | None, rates: tuple[Rate, ...], changes: dict[str, Any]) -> RateOptions | None:
    if plan is not None and rates:
        raise click.UsageError("use --plan or --limit, not both")
    if rates:
        return RateOptions(Limits(rates, **changes), None, named=False)
    if plan is None and not changes:
        return None
    chosen = PLANS[plan] if plan is not None else Plan.PERSONAL
    return RateOptions(attrs.evolve(chosen.limits, **changes), chosen, named=plan is not None)
