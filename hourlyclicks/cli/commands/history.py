"""``hourlyclicks history``: the earlier figures of days whose figures were replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hourlyclicks.cli.options.days import read_day
from hourlyclicks.cli.options.stores import with_store
from hourlyclicks.cli.options.strict import StrictCommand
from hourlyclicks.cli.selection import with_targets

if TYPE_CHECKING:
    import datetime as dt

    from hourlyclicks.cli.options.stores import StoreChoice
    from hourlyclicks.cli.selection import Selection


@click.command(name="history", cls=StrictCommand)
@with_store
@with_targets
@click.option("--day", metavar="YYYY-MM-DD", type=read_day, help="Only this day, revised or not.")
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(1),
    help="Of each target, only the N latest days with replaced figures.",
)
@click.option("--reverse", "newest_first", is_flag=True, help="Of each target, the newest day first.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "jsonl"]),
    default="table",
    show_default=True,
    help="Output format.",
)
def command(
    *,
    store: StoreChoice,
    selection: Selection,
    day: dt.date | None,
    limit: int | None,
    newest_first: bool,
    form: str,
) -> None:
    """Show the earlier figures of days in a store (no requests).

    Needs no API key. Shows each day whose figures were replaced by others: every set of figures, the current
    one last, and the hours that changed. The newest day comes last, where a terminal shows it, as in
    journalctl. Without targets, all of them are shown.
    """
    from hourlyclicks.cli.actions import history  # noqa: PLC0415 - its help needs less

    history.run(store=store, selection=selection, day=day, limit=limit, newest_first=newest_first, form=form)
