"""What ``hourlyclicks audit`` does."""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Literal

import attrs

from hourlyclicks.cli.console import loop
from hourlyclicks.cli.console.messages import say
from hourlyclicks.cli.exits import INCOMPLETE, Failure
from hourlyclicks.cli.options.access import Access
from hourlyclicks.cli.options.shared import Period, RateOptions, default_rate, present
from hourlyclicks.cli.options.stores import StoreChoice
from hourlyclicks.cli.output.files import writing
from hourlyclicks.cli.progress.joint import JointProgress
from hourlyclicks.cli.progress.views import open_view, shown
from hourlyclicks.cli.selection import Selection
from hourlyclicks.cli.shared.fetching import RETRY, checked_ranges, cost_of, count_days
from hourlyclicks.cli.shared.keys import find_key
from hourlyclicks.cli.shared.migrating import migrate
from hourlyclicks.errors import StoreError
from hourlyclicks.model.quantities import count
from hourlyclicks.render.audit import audit_lines

if TYPE_CHECKING:
    from hourlyclicks.model.audit import AuditReport


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

    async def audit() -> list[AuditReport]:
        reports = []
        async with client:
            for target, part in ranges.items():
                joint.begin()
                reports.append(await client.audit(part.start, part.end, target, refresh=options.refresh))
        return reports

    with shown(view):
        reports = loop.run(audit())
    ended = time.monotonic()
    _write(reports, options.form)
    say(view.stats.summary(ended))
    _end(reports)


def _write(reports: list[AuditReport], form: Literal["table", "jsonl"]) -> None:
    with writing(form, None):
        for report in reports:
            lines = audit_lines(report) if form == "table" else [json.dumps(report.as_dict())]
            sys.stdout.writelines(line + "\n" for line in lines)


def _end(reports: list[AuditReport]) -> None:
    """Raise a `Failure` if a day differs, or if sums could not be fetched."""
    differing = sum(len(report.differences) for report in reports)
    failed = sum(len(report.failures) for report in reports)
    words = []
    if differing:
        verb, them = ("differs", "it") if differing == 1 else ("differ", "them")
        words.append(f"{count(differing, 'day')} {verb}: the next backfill or sync requests {them} again")
    if failed:
        words.append(f"{count(failed, 'day')} without a sum, since the request failed")
    if words:
        raise Failure("; ".join(words), INCOMPLETE)
