"""What ``hourlyclicks sync`` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from hourlyclicks.cli.console.messages import quiet
from hourlyclicks.cli.options.days import present
from hourlyclicks.cli.output.record import recording
from hourlyclicks.cli.steps.runs import StoreRun, StoreRunOptions, carry_out, named
from hourlyclicks.model.zones import last_ended

if TYPE_CHECKING:
    from collections.abc import Awaitable

    import click

    from hourlyclicks.client import Client
    from hourlyclicks.model.report import BackfillReport


@attrs.frozen(kw_only=True)
class Options(StoreRunOptions):
    """The options of the command.

    Args:
        new: how many days to fetch of a target of which the store has no day.
    """

    new: int


def run(ctx: click.Context, options: Options) -> None:
    """See the help of the command."""
    with quiet(on=options.quiet), recording("sync", options.report) as record:
        carry_out(ctx, options, _run_of(options), record)


def _run_of(options: Options) -> StoreRun:
    """Return what there is to do, once it is certain that it can be done."""
    options.store.check_folder()
    targets, since = options.targets_and_since()

    def call(client: Client, **common: Any) -> Awaitable[BackfillReport]:  # noqa: ANN401 - see `StoreRun`
        return client.sync(new=options.new, **common)

    title = f"{named(targets, options)} up to {last_ended(present(), options.access.zone)}"
    several = options.all_links or len(targets) > 1
    return StoreRun(title, targets, since, several=several, most=0, days=None, call=call)
