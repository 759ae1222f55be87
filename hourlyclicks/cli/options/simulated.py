"""The options of ``simulate`` about the API's endpoints, where its documentation is silent."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from hourlyclicks.cli.options.types import Command
    from hourlyclicks.simulator.ranges import Excluded, Month, SilentDays, TooLong

TOO_LONG: tuple[TooLong, ...] = ("refuse", "cut_end", "cut_start", "whole")
MONTHS: tuple[Month, ...] = ("calendar", "30", "31")
EXCLUDED: tuple[Excluded, ...] = ("nothing", "start", "end", "both")
SILENT_DAYS: tuple[SilentDays, ...] = ("omit", "zeros")

_MOST_LINKS = 100_000
_LONGEST_RANGE = 3_660


class ApiOptions(NamedTuple):
    """What was chosen of the API.

    Args:
        links: how many links are in the list of the account.
        active_days: the percentage of days on which a target has clicks.
        range_cap: the most days of a range; ``None``: as the plan says.
        month: what a month is.
        too_long: what the server does with a longer range.
        excludes: which ends of a range are not answered for.
        range_shift: how many hours later the figures of version 3 are.
        silent_days: whether days without clicks have rows in ranges.
        no_ranges: whether version 3, for ranges of hours, is missing.
    """

    links: int = 0
    active_days: int = 100
    range_cap: int | None = None
    month: Month = "calendar"
    too_long: TooLong = "refuse"
    excludes: Excluded = "nothing"
    range_shift: int = 0
    silent_days: SilentDays = "omit"
    no_ranges: bool = False


_OPTIONS = (
    click.option(
        "--links",
        metavar="N",
        type=click.IntRange(0, _MOST_LINKS),
        default=0,
        show_default=True,
        help="Links in the account's list.",
    ),
    click.option(
        "--active-days",
        metavar="PERCENT",
        type=click.IntRange(0, 100),
        default=100,
        show_default=True,
        help="The share of days on which a target has clicks.",
    ),
    click.option(
        "--range-cap",
        metavar="DAYS",
        type=click.IntRange(1, _LONGEST_RANGE),
        help="The most days of a range.  [default: as the plan says]",
    ),
    click.option(
        "--month",
        type=click.Choice(MONTHS),
        default="calendar",
        show_default=True,
        help="What a month is, as the cap of a range.",
    ),
    click.option(
        "--too-long",
        type=click.Choice(TOO_LONG),
        default="refuse",
        show_default=True,
        help="What the server does with a longer range.",
    ),
    click.option(
        "--excludes",
        type=click.Choice(EXCLUDED),
        default="nothing",
        show_default=True,
        help="Which ends of a range it leaves out.",
    ),
    click.option(
        "--range-shift",
        metavar="HOURS",
        type=click.IntRange(-24, 24),
        default=0,
        show_default=True,
        help="How much later the figures of version 3 are.",
    ),
    click.option(
        "--silent-days",
        type=click.Choice(SILENT_DAYS),
        default="omit",
        show_default=True,
        help="What a range has for days without clicks.",
    ),
    click.option("--no-ranges", is_flag=True, help="Answer HTTP 404 for ranges of hours (version 3)."),
)


def with_api(command: Command) -> Command:
    """Add the options; the command gets them as ``api``."""

    @functools.wraps(command)
    def folded(*args: Any, **values: Any) -> Any:  # noqa: ANN401 - whatever the command takes and gives
        chosen = {name: values.pop(name) for name in ApiOptions._fields}
        return command(*args, api=ApiOptions(**chosen), **values)

    decorated: Command = folded
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated
