"""``hourlyclicks fleet run``: the days of many accounts into one store."""

from __future__ import annotations

from typing import Any

import click

from hourlyclicks.cli.options.access import with_endpoint, with_keyless_access
from hourlyclicks.cli.options.days import with_any_period
from hourlyclicks.cli.options.deadlines import read_deadline
from hourlyclicks.cli.options.limits import read_rate, with_rate
from hourlyclicks.cli.options.runs import with_run_name
from hourlyclicks.cli.options.stores import with_whole_store
from hourlyclicks.cli.options.strict import StrictCommand
from hourlyclicks.cli.options.types import path_type


@click.command(name="run", cls=StrictCommand)
@click.option(
    "--accounts",
    metavar="FILE",
    type=path_type(),
    required=True,
    help="A TOML file with an [[account]] for each; it names where each key is, and holds none.",
)
@with_whole_store
@with_any_period
@with_rate
@click.option(
    "--at-once",
    metavar="N",
    type=click.IntRange(1),
    default=500,
    show_default=True,
    help="How many accounts may be active at the same time.",
)
@click.option(
    "--rate",
    "most",
    metavar="N/SECONDS",
    type=read_rate,
    help="A limit for the requests of all accounts together, such as 500/1.",
)
@click.option(
    "--deadline",
    metavar="45m|06:00",
    type=read_deadline,
    help="Stop after a duration (45m, 2h, 1h30m) or at a local time of day.",
)
@click.option(
    "--scheduler",
    metavar="URL",
    help="Let the workers of a Dask cluster do it; the address of its scheduler.",
)
@with_run_name("A name for this run, for status and stop.")
@click.option("--json", "as_json", is_flag=True, help="Write the result of each account to stdout as JSON.")
@click.option("--quiet", is_flag=True, help="Print only errors.")
@with_keyless_access
@with_endpoint
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:  # noqa: ANN401 - `Options` has their types
    """Fetch the days of all accounts in a file into one store.

    Requests every day that is not final in the store. Without --from and --to, in the file or here, each
    target is brought up to date, as by "sync". What concerns one account ends that account only: a rejected
    key, a plan without access, a link that does not exist. You can run it again after any exit, and run
    several processes at once. After Ctrl-C, SIGTERM or SIGHUP, it sends nothing more and saves the responses
    to requests already sent.

    --plan and --limit hold for accounts for which the file names neither.
    """
    from hourlyclicks.cli.actions.fleet import run  # noqa: PLC0415 - its help needs less

    run.run(ctx, run.Options(**options))
