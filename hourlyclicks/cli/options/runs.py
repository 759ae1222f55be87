"""Options of runs: their end, their order, their report and their name; the command gets each as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hourlyclicks.cli.options.deadlines import read_deadline
from hourlyclicks.cli.options.types import path_type
from hourlyclicks.model.checks import check_label

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks.cli.options.types import Command


def with_run_options(command: Command) -> Command:
    """Add the options for all links, and for the end, the order and the report of a run."""
    options = (
        click.option("--all-links", is_flag=True, help="All links of the account, as the API lists them."),
        click.option(
            "--since-creation",
            is_flag=True,
            help="With --all-links, begin with the day on which each link was created.",
        ),
        click.option(
            "--deadline",
            metavar="45m|06:00",
            type=read_deadline,
            help="Stop after a duration (45m, 2h, 1h30m) or at a local time of day.",
        ),
        click.option("--max-requests", metavar="N", type=click.IntRange(0), help="Stop after N requests."),
        click.option(
            "--order",
            type=click.Choice(["oldest", "newest", "newest-day"]),
            default="oldest",
            show_default=True,
            help="Target by target, or with newest-day the newest day of every target first.",
        ),
        click.option("--retry-refused", is_flag=True, help="Request days again that the API rejected."),
        click.option(
            "--report",
            metavar="FILE",
            type=path_type(),
            help="Write a report of the run to FILE as JSON, however it ends; - is stdout.",
        ),
        with_run_name("A name for this run, by which status shows it and stop finds it."),
        click.option("--quiet", is_flag=True, help="Print only errors."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def with_run_name(text: str) -> Callable[[Command], Command]:
    """Return a decorator that adds ``--name`` with a help text; the command takes ``name``."""
    return click.option("--name", metavar="NAME", type=read_label, help=text)


def read_label(value: str) -> str:
    """Read a name that can be shown on one line."""
    check_label("the name", value)
    return value
