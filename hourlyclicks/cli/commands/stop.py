"""``hourlyclicks stop``: asks running backfills, on any machine, to stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hourlyclicks.cli.options.runs import with_run_name
from hourlyclicks.cli.options.stores import with_store
from hourlyclicks.cli.options.strict import StrictCommand

if TYPE_CHECKING:
    from hourlyclicks.cli.options.stores import StoreChoice


@click.command(name="stop", cls=StrictCommand)
@with_store
@with_run_name("Only runs that were started with --name NAME.")
def command(*, store: StoreChoice, name: str | None) -> None:
    """Ask running backfills, fetches and fleets, on any machine, to stop (no requests).

    Needs no API key. Each notices that with its next request, or within ten seconds. It then sends no more
    requests, saves the responses to those already sent, and ends as after SIGTERM. The command does not wait
    for that; "hourlyclicks status --running" shows what still runs.
    """
    from hourlyclicks.cli.actions import stop  # noqa: PLC0415 - its help needs less

    stop.run(store, name)
