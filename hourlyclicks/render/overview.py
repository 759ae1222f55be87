"""All targets of a store together, as text that fits a terminal of 80 x 24, and as an object for JSON."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from hourlyclicks.model.quantities import count
from hourlyclicks.render.phrases import fit, safe
from hourlyclicks.store.ledger import DayState
from hourlyclicks.store.overview import MISSING, STATES, TO_DO

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator

    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.backlog import TargetBacklog
    from hourlyclicks.store.overview import Overview

_MOST, _LEAST = 10, 3
"""How many of the targets that lack most are shown, as the screen has room for them."""
_NAMED = 3
"""How many targets are named in a line."""
_REASONS, _REASON = 5, 60
"""How many reasons are shown, and their columns."""
_HEIGHT, _WIDTH = 22, 80
"""Lines of a screen, without the heading and the prompt that follows; and its columns."""
_ALWAYS = (DayState.FAILED, MISSING, TO_DO)
_LABELS = {"stale": "  of these stale", "to_do": "to do"}
_DAYS = "  {:<16}  {:>11}  {:>9}"
_LACKING = "  {:>8}  {:>8}  {:>8}  {:<15}  "


def overview_lines(overview: Overview, running: Iterable[str] = (), *, all_: bool) -> Iterator[str]:
    """Yield the lines about all targets.

    Args:
        overview: what is known of them.
        running: the lines about running backfills.
        all_: whether to show all targets that lack days, not only those that lack most.
    """
    lines = [*running, *_state_lines(overview), *_wrapped(_newest(overview))]
    if overview.unknown:
        lines += _wrapped(_named("without any day", overview.unknown))
    if overview.parked:
        lines += _wrapped(_named("parked", tuple(overview.parked)))
    if overview.failures:
        lines += _wrapped(_reasons(overview))
    yield from lines
    room = max(_LEAST, min(_MOST, _HEIGHT - len(lines) - 1))
    yield from _lacking_lines(overview, len(overview.lacking) if all_ else room)


def _state_lines(overview: Overview) -> Iterator[str]:
    """Yield a line for each state in which days are."""
    yield _DAYS.format("", "days", "targets")
    for name in STATES:
        days, targets = overview.days[name], overview.with_days[name]
        if targets or name in _ALWAYS:
            yield _DAYS.format(_LABELS.get(name, name), f"{days:,}", f"{targets:,}")


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


def _reasons(overview: Overview) -> str:
    """Return the most frequent reasons why days failed, with the number of days of each."""
    kinds = overview.failures.most_common()
    reasons = ", ".join(f"{fit(safe(str(why)), _REASON)} ({number:,})" for why, number in kinds[:_REASONS])
    more = f", {count(len(kinds) - _REASONS, 'other reason')}" if len(kinds) > _REASONS else ""
    return f"failed: {count(overview.failures.total(), 'day')}: {reasons}{more}"


def _named(what: str, targets: tuple[Target, ...]) -> str:
    """Return how many targets there are, and the names of the first."""
    names = ", ".join(fit(safe(str(target)), _WIDTH // 2) for target in targets[:_NAMED])
    return f"{what}: {count(len(targets), 'target')}: {names}{', ...' if len(targets) > _NAMED else ''}"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def _lacking_lines(overview: Overview, most: int) -> Iterator[str]:
    """Yield a line for each of the targets that lack most."""
    if not overview.lacking:
        return
    shown = overview.lacking[:most]
    head = _LACKING.format("failed", "missing", "behind", "newest complete")
    yield f"{head}{len(shown):,} of {count(len(overview.lacking), 'incomplete target')}"
    for backlog in shown:
        newest = _day(backlog) or ("parked" if backlog.target in overview.parked else "none")
        cells = _LACKING.format(f"{backlog.failed:,}", f"{backlog.missing:,}", f"{backlog.behind:,}", newest)
        yield fit(cells + safe(str(backlog.target)), _WIDTH)


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
        "failures": [
            {"reason": str(why), "code": why.code, "status": why.status, "days": number}
            for why, number in overview.failures.most_common()
        ],
        "unknown_targets": len(overview.unknown),
        "incomplete_targets": len(overview.lacking),
        "worst": [
            {
                "target": str(backlog.target),
                "failed": backlog.failed,
                "missing": backlog.missing,
                "behind": backlog.behind,
                "to_do": backlog.to_do,
                "newest_complete": _day(backlog),
            }
            for backlog in (overview.lacking if all_ else overview.lacking[:_MOST])
        ],
    }


def _day(backlog: TargetBacklog) -> str | None:
    return _text(backlog.summary.newest_complete)


def _text(day: dt.date | None) -> str | None:
    return None if day is None else str(day)
