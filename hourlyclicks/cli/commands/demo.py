"""``hourlyclicks demo``: a real backfill before one's eyes, against a server that fights back.

The server polices its limits with a log of all arrivals, delays every request and every answer, and spoils
some. Its "minute" lasts a few seconds, so that the limit is felt and nobody has to wait for long.
"""

from __future__ import annotations

import click

from hourlyclicks.cli.options.strict import StrictCommand


@click.command(name="demo", cls=StrictCommand)
@click.option(
    "--days",
    metavar="N",
    type=click.IntRange(1, 3653),
    default=90,
    show_default=True,
    help="How many days to fetch.",
)
@click.option(
    "--seed",
    metavar="N",
    type=int,
    default=0,
    show_default=True,
    help="Another seed, other traffic and other faults.",
)
@click.option("--no-faults", is_flag=True, help="Let the server answer every request well.")
def command(*, days: int, seed: int, no_faults: bool) -> None:
    """Watch 90 days being fetched from a simulated server with limits and faults.

    Needs no key and no network. The exit code is 0 only if every hour is right and the server, by its own
    count, never had to refuse a request. In the middle the process that fetches is killed, and another one
    goes on where it was; of fewer than 30 days there is no middle.
    """
    from hourlyclicks.cli.actions import demo  # noqa: PLC0415 - its help needs less

    demo.run(days=days, seed=seed, no_faults=no_faults)
