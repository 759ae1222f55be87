"""``hourlyclicks fleet demo``: many accounts on a simulated server, with processes of which one is killed."""

from __future__ import annotations

import click

from hourlyclicks.cli.options.strict import StrictCommand

_MOST = 2_000
_LONGEST = 365


@click.command(name="demo", cls=StrictCommand)
@click.option(
    "--accounts",
    metavar="N",
    type=click.IntRange(1, _MOST),
    default=200,
    show_default=True,
    help="How many accounts there are.",
)
@click.option(
    "--days",
    "number",
    metavar="N",
    type=click.IntRange(1, _LONGEST),
    default=10,
    show_default=True,
    help="How many days each account fetches.",
)
@click.option(
    "--seed", metavar="N", type=int, default=0, show_default=True, help="Seed of the simulated traffic."
)
def command(*, accounts: int, number: int, seed: int) -> None:
    """Fetch the days of 200 accounts with two processes, one of which is killed.

    Needs no API key, no network and no database: the server is simulated and has a key with its own limits
    for each account, and the processes share a SQLite file. The one that is left takes over the accounts of
    the other. The exit code is 0 only if every hour is correct, no day in the store was requested again, and
    the server never answered 429.
    """
    from hourlyclicks.cli.actions.fleet import demo  # noqa: PLC0415 - its help needs less

    demo.run(accounts=accounts, number=number, seed=seed)
