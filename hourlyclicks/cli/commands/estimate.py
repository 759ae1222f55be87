"""``hourlyclicks estimate``: how long a range takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hourlyclicks.cli.options.access import with_endpoint
from hourlyclicks.cli.options.days import with_period
from hourlyclicks.cli.options.limits import with_rate
from hourlyclicks.cli.options.stores import with_store
from hourlyclicks.cli.options.strict import StrictCommand
from hourlyclicks.cli.selection import with_targets

if TYPE_CHECKING:
    from hourlyclicks.cli.options.days import Period
    from hourlyclicks.cli.options.limits import RateOptions
    from hourlyclicks.cli.options.stores import StoreChoice
    from hourlyclicks.cli.selection import Selection
    from hourlyclicks.model.questions import EndpointChoice


@click.command(name="estimate", cls=StrictCommand)
@with_store
@with_targets
@with_period
@with_rate
@click.option("--timezone", metavar="ZONE", help="The account's time zone; decides which day is yesterday.")
@with_endpoint
def command(
    *,
    store: StoreChoice,
    selection: Selection,
    period: Period,
    rate: RateOptions | None,
    timezone: str | None,
    endpoint: EndpointChoice,
) -> None:
    """Compute how long a range takes under rate limits (no requests).

    Needs no API key. Without --plan and --limit, compares all plans. --targets accepts a number of targets in
    place of a FILE. With a store and targets, counts only the days that a backfill would request now.
    With --endpoint auto or v3, counts requests for ranges of days; proving that they work takes up to 3 more.
    """
    from hourlyclicks.cli.actions import estimate  # noqa: PLC0415 - its help needs less

    estimate.run(
        store=store, selection=selection, period=period, rate=rate, timezone=timezone, endpoint=endpoint
    )
