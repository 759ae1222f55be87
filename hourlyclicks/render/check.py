"""The result of a check of a store as one line for an alarm, and as an object for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hourlyclicks.model.quantities import count
from hourlyclicks.render.phrases import safe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hourlyclicks.store.check import Check


def check_line(check: Check) -> str:
    """Return the result in one line."""
    if not check.targets:
        return "the store has no targets"
    if check.ok:
        until = "" if check.complete_until is None else f", complete until {check.complete_until}"
        return f"ok: {count(check.targets, 'target')} without gaps{until}"
    worst = check.troubled[0]
    newest = worst.newest_complete
    said = "no complete day" if newest is None else f"newest complete day {newest}"
    number = f"{len(check.troubled):,} of {count(check.targets, 'target')} incomplete"
    return f"{number}: {', '.join(_reasons(check))}; the worst is {safe(str(worst.target))}, {said}"


def _reasons(check: Check) -> Iterator[str]:
    reasons = (
        (check.failed, "day", "failed"),
        (check.missing, "day", "missing"),
        (check.outdated, "day", "out of date"),
        (check.parked, "target", "parked"),
        (check.unknown, "target", "without any day"),
        (check.behind, "target", f"without a complete day since {check.since}"),
    )
    for number, noun, what in reasons:
        if number:
            yield f"{count(number, noun)} {what}"


def unreadable_object(message: str) -> dict[str, Any]:
    """Return what `check_object` returns, for a store that cannot be read.

    Args:
        message: why not.
    """
    return {"ok": False, "message": safe(message)}


def check_object(check: Check) -> dict[str, Any]:
    """Return the result as JSON has it."""
    return {
        "ok": check.ok,
        "message": check_line(check),
        "targets": check.targets,
        "incomplete_targets": len(check.troubled),
        "failed": check.failed,
        "missing": check.missing,
        "outdated": check.outdated,
        "parked": check.parked,
        "unknown": check.unknown,
        "behind": check.behind,
        "complete_until": None if check.complete_until is None else str(check.complete_until),
        "since": None if check.since is None else str(check.since),
        "worst": str(check.troubled[0].target) if check.troubled else None,
    }
