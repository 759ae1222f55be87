"""``hourlyclicks demo``: a backfill from a simulated server with rate limits, delays and faults.

The server enforces its limits with a log of all arrivals, delays every request and every response, and breaks
some. Its "minute" lasts two seconds, so that the limit takes effect and the demonstration stays short.
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
    help="Seed of the simulated traffic and faults.",
)
@click.option("--no-faults", is_flag=True, help="Answer every request correctly.")
@click.option("--open", "show", is_flag=True, help="Open the report page in a browser.")
def command(*, days: int, seed: int, no_faults: bool, show: bool) -> None:
    """Fetch 90 days from a simulated server with rate limits and faults.

    Needs no API key and no network. With 30 days or more, the process that fetches is killed halfway, and a
    second one resumes from the store. The last line of the output is the path of a report page about the
    days, in a new temporary folder. The exit code is 0 only if every hour is correct and the server never
    answered 429.
    """
    from hourlyclicks.cli.actions import demo  # noqa: PLC0415 - its help needs less

    demo.run(days=days, seed=seed, no_faults=no_faults, show=show)
