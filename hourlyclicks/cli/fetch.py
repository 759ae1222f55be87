"""``hourlyclicks fetch``: days in, a table, CSV or JSON Lines out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from hourlyclicks.cli import loop, resume
from hourlyclicks.cli.access import with_access
from hourlyclicks.cli.collecting import collect
from hourlyclicks.cli.exits import INCOMPLETE, INTERRUPTED, Failure, sentence
from hourlyclicks.cli.keys import find_key
from hourlyclicks.cli.options import default_pace, present, with_pace, with_period, with_target
from hourlyclicks.cli.output import Format, check_writable, format_for, write
from hourlyclicks.cli.progress import start_tally
from hourlyclicks.cli.stores import with_store
from hourlyclicks.cli.strict import StrictCommand
from hourlyclicks.cli.views import open_view, shown
from hourlyclicks.cli.words import count, say, span, spans
from hourlyclicks.net.retry import RetryPolicy
from hourlyclicks.pacing.lanes import Lane

if TYPE_CHECKING:
    from hourlyclicks.cli.access import Access
    from hourlyclicks.cli.collecting import Outcome
    from hourlyclicks.cli.options import Pace, Period
    from hourlyclicks.cli.stores import StoreChoice
    from hourlyclicks.model.targets import Target

RETRY = RetryPolicy()
"""How hard to try; that of the library."""

_SHOWN = 10


@attrs.frozen
class Destination:
    """Where the result goes, and when.

    Args:
        form: the format.
        output: the file; ``None``: stdout.
        partial: whether a result with missing days is a result.
        stored: whether a store keeps what was fetched, too.
    """

    form: Format
    output: Path | None
    partial: bool
    stored: bool = False

    def deliver(self, outcome: Outcome) -> bool:
        """Write what the user wants to have, and return whether what was fetched is kept somewhere.

        An incomplete file gets another name unless the user wants it so.
        """
        if outcome.complete or (self.partial and outcome.fetched):
            write(outcome.series, self.form, self.output)
        elif self.output is not None and outcome.fetched:
            aside = self.output.with_name(self.output.name + ".partial")
            write(outcome.series, self.form, aside)
            say(f"{count(outcome.fetched, 'day')} kept in {aside}")
        elif self.stored:
            say(f"{count(outcome.fetched, 'day')} in the store; nothing is written, since days are missing")
        elif outcome.fetched:
            dropped = count(outcome.fetched, "day")
            say(f"{dropped} dropped; with --partial, or with -o, they would have been kept")
            return False
        return True


@click.command(name="fetch", cls=StrictCommand)
@with_target
@with_period
@with_pace
@with_access
@with_store
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "jsonl"]),
    help="What to write.  [default: by the name of FILE, else table]",
)
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Write there instead of stdout."
)
@click.option("--partial", is_flag=True, help="Write what was fetched even if days are missing.")
@click.option(
    "--fail-fast", is_flag=True, help="Give up when much fails, instead of waiting for better times."
)
@click.pass_context
def command(
    ctx: click.Context,
    *,
    target: Target,
    period: Period,
    pace: Pace | None,
    access: Access,
    store: StoreChoice,
    form: str | None,
    output: Path | None,
    partial: bool,
    fail_fast: bool,
) -> None:
    """Fetch the hours of some days: a table, CSV or JSON Lines.

    The API key is read from the environment variable HOURLYCLICKS_API_KEY, or from a file that only you can
    read: the one named by --key-file, or "key" in the folder for the configuration of hourlyclicks.

    The result goes to stdout or into FILE, everything else to stderr. --last counts back from yesterday in
    the account's --timezone; if that is not known, from the last day that is over everywhere on Earth.

    With --store, days that it has for good are taken from there, and what is fetched is kept in it.
    """
    output = None if output == Path("-") else output
    days = period.days(access.zone, present())
    pace = pace or default_pace()
    pace.check(target)
    stored = store.where is not None
    destination = Destination(format_for(form, output), output, partial=partial, stored=stored)
    key = find_key(access.key_file)
    check_writable(output)
    view = open_view(start_tally(f"{target}, {days}", len(days), pace.limits, stored=stored))
    client = access.client(
        key, limits=pace.limits, retry=RETRY, on_event=view, store=store.where, account=store.account
    )
    lane = Lane.INTERACTIVE if fail_fast else Lane.BACKFILL

    async def fetch() -> Outcome:
        async with client:
            return await collect(client, days, target, lane=lane)

    with shown(view):
        outcome = loop.run(fetch())
    ended = time.monotonic()
    kept = destination.deliver(outcome)  # before another word, which might find nobody to read it
    say(view.tally.summary(ended))
    _tell_provisional(outcome)
    if outcome.complete:
        return
    _tell_missing(outcome)
    if stored:
        resume.tell_same(ctx, days, output=output)
    elif outcome.fetched or outcome.interrupted:
        resume.tell(ctx, outcome, output, kept=kept)
    raise _failure(outcome)


def _tell_provisional(outcome: Outcome) -> None:
    """Name the days whose figures can still change."""
    for first, last in spans(outcome.series.provisional_days):
        say(f"not final yet, to be fetched again later: {span(first, last)}")


def _tell_missing(outcome: Outcome) -> None:
    """Name the days that are not there, and why."""
    for day, error in sorted(outcome.failures.items())[:_SHOWN]:
        say(f"missing: {day}: {error}")
    if len(outcome.failures) > _SHOWN:
        say(f"missing: {count(len(outcome.failures) - _SHOWN, 'day')} more that failed")
    if outcome.failures and not outcome.interrupted:
        never = spans([day for day in outcome.series.missing_days if day not in outcome.failures])
        for first, last in never[:_SHOWN]:
            say(f"missing: {span(first, last)}: not fetched")


def _failure(outcome: Outcome) -> Failure:
    """Say in a sentence why the series is incomplete."""
    total = len(outcome.series.range)
    if outcome.interrupted:
        return Failure(f"interrupted after {outcome.fetched:,} of {count(total, 'day')}", INTERRUPTED)
    error = outcome.ended_by or min(outcome.failures.items())[1]
    if error.fatal or not outcome.fetched:
        return Failure.of(error)
    return Failure(
        f"{count(total - outcome.fetched, 'day')} of {total:,} missing; {sentence(error)}", INCOMPLETE
    )
