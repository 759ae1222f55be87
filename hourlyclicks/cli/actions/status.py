"""What ``hourlyclicks status`` does: which of its four views is shown, by the options."""

from __future__ import annotations

import attrs
import click

from hourlyclicks.cli.options.stores import StoreChoice
from hourlyclicks.cli.selection import Selection
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.zones import as_zone
from hourlyclicks.store.backlog import Scope


@attrs.frozen(kw_only=True)
class Options:
    """The options of the command.

    Args:
        store: the store.
        selection: the targets, if some are named.
        days: the days, if they are named.
        timezone: the account's time zone, if it is named.
        form: ``"table"`` or ``"json"``.
        everything: whether to list all that is missing.
        running: whether to show the runs in progress only.
        summary: whether to show all targets together.
        check: whether to print one line for an alarm.
        max_age: how many days before today the newest complete day of a target may be, in a check.
    """

    store: StoreChoice
    selection: Selection
    days: DateRange | None
    timezone: str | None
    form: str
    everything: bool
    running: bool
    summary: bool
    check: bool
    max_age: int | None

    def verify(self) -> None:
        """Raise a usage error if some of them exclude each other."""
        if self.check and (self.summary or self.everything):
            raise click.UsageError("--check cannot be combined with --summary or --all")
        narrowed = self.selection or self.days or self.timezone
        if self.running and (self.check or self.summary or self.everything or narrowed):
            raise click.UsageError("--running goes with --store, --account-name and --format only")
        if self.max_age is not None and not self.check:
            raise click.UsageError("--max-age needs --check")

    def scope(self) -> Scope:
        """Return what is looked at."""
        targets, since = self.selection.read_with_since()
        return Scope(targets, self.days, since, as_zone(self.timezone))


def run(options: Options) -> None:
    """See the help of the command; each view imports only what it needs."""
    options.verify()
    store, form, everything = options.store, options.form, options.everything
    if options.running:
        from hourlyclicks.cli.actions import status_running  # noqa: PLC0415 - see above

        status_running.run(store, form)
    elif options.check:
        from hourlyclicks.cli.actions import status_check  # noqa: PLC0415 - likewise

        status_check.run(store=store, scope=options.scope(), form=form, max_age=options.max_age)
    elif options.summary:
        from hourlyclicks.cli.actions import status_summary  # noqa: PLC0415 - likewise

        status_summary.run(store=store, scope=options.scope(), form=form, everything=everything)
    else:
        from hourlyclicks.cli.actions import status_coverage  # noqa: PLC0415 - likewise

        status_coverage.run(store=store, scope=options.scope(), form=form, everything=everything)
