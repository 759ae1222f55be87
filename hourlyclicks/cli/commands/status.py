"""``hourlyclicks status``: which days a store holds, and which are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hourlyclicks.cli.options.shared import read_span, with_range
from hourlyclicks.cli.options.stores import with_store
from hourlyclicks.cli.options.strict import StrictCommand
from hourlyclicks.cli.selection import with_targets

if TYPE_CHECKING:
    from hourlyclicks.cli.options.stores import StoreChoice
    from hourlyclicks.cli.selection import Selection
    from hourlyclicks.model.dates import DateRange


@click.command(name="status", cls=StrictCommand)
@with_store
@with_targets
@with_range
@click.option("--timezone", metavar="ZONE", help="The account's time zone; decides which days are stale.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="Output format.",
)
@click.option("--running", is_flag=True, help="Show only the runs in progress.")
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="List all missing days, and all of many targets; with --summary, all incomplete targets.",
)
@click.option(
    "--summary",
    is_flag=True,
    help="Show all targets together: days by state, the newest complete day, targets that lack most.",
)
@click.option(
    "--check",
    is_flag=True,
    help="Print one line, and end with exit code 10 if days have failed or are missing.",
)
@click.option(
    "--max-age",
    metavar="2d",
    type=read_span,
    help="With --check: also if the newest complete day of a target is more than N days (2d) or weeks ago.",
)
def command(
    *,
    store: StoreChoice,
    selection: Selection,
    days: DateRange | None,
    timezone: str | None,
    form: str,
    everything: bool,
    running: bool,
    summary: bool,
    check: bool,
    max_age: int | None,
) -> None:
    """Show which days a store holds and which are missing (no requests).

    Needs no API key. Shows all accounts, each by the first 8 digits of its fingerprint, which --account-name
    accepts. Without --from and --to, each target is shown from its first known day to its last.
    Runs in progress on the store are shown as well.
    """
    if check and (summary or everything):
        raise click.UsageError("--check cannot be combined with --summary or --all")
    if running and (check or summary or everything or selection or days or timezone):
        raise click.UsageError("--running goes with --store, --account-name and --format only")
    if max_age is not None and not check:
        raise click.UsageError("--max-age needs --check")
    if running:
        from hourlyclicks.cli.actions import status_running  # noqa: PLC0415 - its help needs less

        status_running.run(store, form)
        return
    from hourlyclicks.cli.actions import status, status_check, status_summary  # noqa: PLC0415 - as above

    scope = status.scope_of(selection, days, timezone)
    if check:
        status_check.run(store=store, scope=scope, form=form, max_age=max_age)
    elif summary:
        status_summary.run(store=store, scope=scope, form=form, everything=everything)
    else:
        status.run(store=store, scope=scope, form=form, everything=everything)
