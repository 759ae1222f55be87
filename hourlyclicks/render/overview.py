"""All targets of a store together, as text that fits a terminal of 80 columns, and as an object for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hourlyclicks.render.phrases import count, fit, safe
from hourlyclicks.store.overview import STATES

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from hourlyclicks.store.overview import Deficit, Overview

_SHOWN = 10
_WIDTH = 80
_DAYS = "  {:<11}  {:>11}  {:>9}"
_LACKING = "  {:>8}  {:>8}  {:>8}  {:<15}  "


def overview_lines(overview: Overview, *, all_: bool) -> Iterator[str]:
    """Yield the lines about all targets.

    Args:
        overview: what is known of them.
        all_: whether to show all targets that lack days, not only those that lack most.
    """
    yield ""
    yield _DAYS.format("", "days", "targets")
    for name in STATES:
        yield _DAYS.format(name, f"{overview.days[name]:,}", f"{overview.with_days[name]:,}")
    yield ""
    yield f"  {_newest(overview)}"
    if overview.parked:
        yield f"  parked: {count(len(overview.parked), 'target')}"
    yield from _lacking_lines(overview, all_=all_)


def _newest(overview: Overview) -> str:
    """Return the newest complete days in words."""
    if not overview.newest:
        return "newest complete day: none"
    newest, oldest = max(overview.newest), min(overview.newest)
    text = f"newest complete day: {newest} in {count(overview.newest[newest], 'target')}"
    if oldest < newest:
        text += f", the earliest {oldest}"
    if overview.without_complete_day:
        text += f"; {count(overview.without_complete_day, 'target')} without"
    return text


def _lacking_lines(overview: Overview, *, all_: bool) -> Iterator[str]:
    """Yield a line for each of the targets that lack most."""
    if not overview.lacking:
        return
    shown = overview.lacking if all_ else overview.lacking[:_SHOWN]
    yield ""
    head = _LACKING.format("missing", "failed", "behind", "newest complete")
    yield f"{head}{len(shown):,} of {count(len(overview.lacking), 'incomplete target')}"
    for deficit in shown:
        newest = _day(deficit) or ("parked" if deficit.summary.target in overview.parked else "none")
        cells = _LACKING.format(f"{deficit.missing:,}", f"{deficit.failed:,}", f"{deficit.behind:,}", newest)
        yield fit(cells + safe(str(deficit.summary.target)), _WIDTH)


def overview_object(overview: Overview, *, all_: bool) -> dict[str, Any]:
    """Return what is known of all targets as JSON has it.

    Args:
        overview: what is known of them.
        all_: see `overview_lines`.
    """
    range_, newest = overview.range, overview.newest
    return {
        "targets": overview.targets,
        "range": None if range_ is None else {"from": str(range_.start), "to": str(range_.end)},
        "days": {name: overview.days[name] for name in STATES},
        "targets_with_days": {name: overview.with_days[name] for name in STATES},
        "newest_complete": {
            "newest": _text(max(newest, default=None)),
            "earliest": _text(min(newest, default=None)),
            "targets_with_newest": newest[max(newest)] if newest else 0,
            "targets_without": overview.without_complete_day,
        },
        "parked": {str(target): reason for target, reason in overview.parked.items()},
        "incomplete_targets": len(overview.lacking),
        "worst": [
            {
                "target": str(deficit.summary.target),
                "missing": deficit.missing,
                "failed": deficit.failed,
                "behind": deficit.behind,
                "newest_complete": _day(deficit),
            }
            for deficit in (overview.lacking if all_ else overview.lacking[:_SHOWN])
        ],
    }


def _day(deficit: Deficit) -> str | None:
    return _text(deficit.summary.newest_complete)


def _text(day: dt.date | None) -> str | None:
    return None if day is None else str(day)
