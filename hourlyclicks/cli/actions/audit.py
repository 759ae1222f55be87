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
from hourlyclicks.cli.exits import INCOMPLETE, PARKED, CommandError
from hourlyclicks.cli.options.access import Access
from hourlyclicks.cli.options.days import Period, present
from hourlyclicks.cli.options.limits import RateOptions, default_rate
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
    from collections.abc import Callable, Mapping

    from hourlyclicks.client import Client
    from hourlyclicks.model.audit import AuditReport
    from hourlyclicks.model.dates import DateRange
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


class Audits:
    """The audits of several targets, one after the other.

    Args:
        targets: how many there are.

    Attributes:
        reports: what was found so far.
        rejected: targets of which the API rejects every day.
    """

    def __init__(self, targets: int) -> None:
        self._targets = targets
        self.reports: list[AuditReport] = []
        self.rejected: dict[Target, HourlyClicksError] = {}

    async def make(
        self,
        client: Client,
        ranges: Mapping[Target, DateRange],
        *,
        begin: Callable[[], object],
        refresh: bool,
    ) -> None:
        """Audit all targets.

        Raises:
            HourlyClicksError: one could not be audited, for a reason that is not only about that target.
        """
        async with client:
            for target, days in ranges.items():
                begin()
                try:
                    self.reports.append(await client.audit(days.start, days.end, target, refresh=refresh))
                except HourlyClicksError as error:
                    if not rejects(error) or not self._is_of_target:
                        raise
                    self.rejected[target] = error

    @property
    def _is_of_target(self) -> bool:
        """Whether a rejection is about its target: if more are rejected than answered, it is not."""
        return self._targets > 1 and len(self.rejected) <= len(self.reports)


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
    audits = Audits(len(ranges))
    try:
        with shown(view):
            loop.run(audits.make(client, ranges, begin=joint.begin, refresh=options.refresh))
    except BaseException:
        with suppress(click.ClickException, OSError):  # the first error is the one that ends the command
            _write(audits.reports, options.form)
        raise
    ended = time.monotonic()
    _write(audits.reports, options.form)
    say(view.stats.summary(ended))
    for target, error in audits.rejected.items():
        say(f"{target}: {error}", although_quiet=True)
    _end(audits.reports, len(audits.rejected))


def _write(reports: list[AuditReport], form: Literal["table", "jsonl"]) -> None:
    with writing(form, None):
        for report in reports:
            lines = audit_lines(report) if form == "table" else [json.dumps(report.as_dict())]
            sys.stdout.writelines(line + "\n" for line in lines)


def _end(reports: list[AuditReport], rejected: int) -> None:
    """Raise an error if a day differs, if something could not be compared, or if targets were rejected."""
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
        raise CommandError("; ".join(words), code)
