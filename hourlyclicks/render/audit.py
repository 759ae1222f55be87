"""An audit as text: what was compared, and each day that differs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.model.quantities import count
from hourlyclicks.model.spans import spans
from hourlyclicks.render.phrases import safe, span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hourlyclicks.model.audit import AuditReport

_SHOWN = 10


def audit_lines(report: AuditReport) -> Iterator[str]:
    """Yield the lines about one target."""
    yield f"{safe(str(report.target))}, {report.range}"
    yield (
        f"  {count(report.matching, 'day')} equal, {len(report.differences):,} different,"
        f" {len(report.unchecked):,} not compared"
    )
    if report.differences:
        yield f"  {'day':<10}  {'by hour':>13}  {'by date':>13}  {'difference':>13}"
    for day in report.differences:
        difference = day.by_hour - day.by_date
        yield f"  {day.date}  {day.by_hour:>13,}  {day.by_date:>13,}  {difference:>+13,}"
    stretches = spans(report.unchecked)
    for first, last in stretches[:_SHOWN]:
        error = report.failures.get(first)
        yield f"  not compared: {span(first, last)}{f': {safe(str(error))}' if error else ''}"
    if len(stretches) > _SHOWN:
        yield f"  not compared: {len(stretches) - _SHOWN:,} more stretches of days"
