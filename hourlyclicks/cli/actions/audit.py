"""What ``hourlyclicks audit`` does."""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Literal

import attrs
import click

from hourlyclicks.cli.console import loop
from hourlyclicks.cli.console.messages import say
from hourlyclicks.cli.exits import INCOMPLETE, PARKED, Failure
from hourlyclicks.cli.options.access import Access
from hourlyclicks.cli.options.shared import Period, RateOptions, default_rate, present
from hourlyclicks.cli.options.stores import StoreChoice
from hourlyclicks.cli.output.files import writing
from hourlyclicks.cli.progress.joint import JointProgress
from hourlyclicks.cli.progress.views import open_view, shown
from hourlyclicks.cli.selection import Selection
from hourlyclicks.cli.steps.fetching import RETRY, checked_ranges, cost_of, count_days
from hourlyclicks.cli.steps.keys import find_key
from hourlyclicks.cli.steps.migrating import migrate
from hourlyclicks.errors import HourlyClicksError, StoreError
from hourlyclicks.model.quantities import count
from hourlyclicks.model.rejections import rejects
from hourlyclicks.render.audit import audit_lines

if TYPE_CHECKING:
    from hourlyclicks.model.audit import AuditReport
    from hourlyclicks.model.targets import Target


@attrs.frozen(kw_only=True)
class Options:
    """The options of the command.

    Args:
        store: the store.
        selection: the targets.
        period: the days.
        rate: the limits to keep; ``None``: those of the smallest plan.
        access: how to reach the API.
        refresh: whether to request also sums that are final in the store.
        form: the format of the output.
    """

    store: StoreChoice
    selection: Selection
    period: Period
    rate: RateOptions | None
    access: Access
    refresh: bool
    form: Literal["table", "jsonl"]


def run(options: Options) -> None:
    """See the help of the command."""
    access, store, rate = options.access, options.store, options.rate or default_rate()
    if not store.exists:
        raise StoreError(f"there is no store {store.where}")
    days = options.period.days(access.zone, present())
    ranges = checked_ranges(options.selection, rate, days)
    key = find_key(access.key_file)
    migrate(store)
    estimate = partial(cost_of, rate=rate, access=access, daily=True)
    view = open_view(count_days(ranges, days, rate, estimate, stored=True))
    joint = JointProgress(view, days=[*map(len, ranges.values())], estimate=estimate)
    client = access.client(
        key,
        rate=rate,
        retry=RETRY,
        on_event=joint,
        store=store.where,
        account=store.account,
    )

    reports: list[AuditReport] = []
    rejected: dict[Target, HourlyClicksError] = {}

    async def audit() -> None:
        async with client:
            for target, part in ranges.items():
                joint.begin()
                try:
                    reports.append(await client.audit(part.start, part.end, target, refresh=options.refresh))
                except HourlyClicksError as error:
                    # When more are rejected than answered, the reason is none of the targets.
                    if not rejects(error) or len(ranges) == 1 or len(rejected) > len(reports):
                        raise
                    rejected[target] = error

    try:
        with shown(view):
            loop.run(audit())
    except BaseException:
        with suppress(click.ClickException, OSError):  # the first error is the one that ends the command
            _write(reports, options.form)
        raise
    ended = time.monotonic()
    _write(reports, options.form)
    say(view.stats.summary(ended))
    for target, error in rejected.items():
        say(f"{target}: {error}", although_quiet=True)
    _end(reports, len(rejected))


def _write(reports: list[AuditReport], form: Literal["table", "jsonl"]) -> None:
    with writing(form, None):
        for report in reports:
            lines = audit_lines(report) if form == "table" else [json.dumps(report.as_dict())]
            sys.stdout.writelines(line + "\n" for line in lines)


def _end(reports: list[AuditReport], rejected: int) -> None:
    """Raise a `Failure` if a day differs, if something could not be compared, or if targets were rejected."""
    differing = sum(len(report.differences) for report in reports)
    failed = sum(len(report.failures) for report in reports)
    bare = sum(len(report.unchecked) == len(report.range) and not report.failures for report in reports)
    words = []
    if differing:
        verb, them = ("differs", "it") if differing == 1 else ("differ", "them")
        words.append(f"{count(differing, 'day')} {verb}: the next backfill or sync requests {them} again")
    if failed:
        words.append(f"{count(failed, 'day')} without a sum, since the request failed")
    if bare:
        words.append(f"nothing of {count(bare, 'target')} was compared: no day is final in the store")
    code = INCOMPLETE if words else PARKED
    if rejected:
        words.append(f"the API rejects every day of {count(rejected, 'target')}; the others are compared")
    if words:
        raise Failure("; ".join(words), code)
