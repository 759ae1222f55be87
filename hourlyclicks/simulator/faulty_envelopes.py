"""Faults of the content: the envelope or its rows differ from what the upstream would answer."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs

from hourlyclicks.simulator.delivery import Delivery

if TYPE_CHECKING:
    from hourlyclicks.simulator.delivery import Answer


def _copied(changes: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(changes))


@attrs.frozen
class Envelope:
    """An envelope with changed keys.

    Args:
        changes: the new values of keys: ``Envelope({"result": None})``.
        without: keys to leave out: ``Envelope(without=("result",))``.
    """

    changes: Mapping[str, Any] = attrs.field(factory=dict, converter=_copied, hash=False)
    without: tuple[str, ...] = ()

    def deliver(self, answer: Answer) -> Delivery:
        """See `Fault.deliver`."""
        content = {**_content(answer), **self.changes}
        return _said(answer, {key: value for key, value in content.items() if key not in self.without})


@attrs.frozen
class WrongDay:
    """The rows are of another day.

    Args:
        off: the difference in days.
        first: how many rows stay right, so that the days are mixed.
    """

    off: int = 1
    first: int = 0

    def deliver(self, answer: Answer) -> Delivery:
        """See `Fault.deliver`."""
        content = _content(answer)
        for row in _rows(content)[self.first :]:
            day = dt.date.fromisoformat(row["ymd"]) + dt.timedelta(days=self.off)
            row["ymd"] = day.isoformat()
        return _said(answer, content)


@attrs.frozen
class LostDays:
    """The rows of the last days are missing, and nothing says so.

    Args:
        days: how many of the days that have rows are missing.
    """

    days: int = 1

    def deliver(self, answer: Answer) -> Delivery:
        """See `Fault.deliver`."""
        content = _content(answer)
        rows = _rows(content)
        if not rows:
            return Delivery(answer=answer)
        kept = sorted({row["ymd"] for row in rows})[: -self.days or None]
        return _said(answer, {**content, "result": [row for row in rows if row["ymd"] in kept]})


def _content(answer: Answer) -> dict[str, Any]:
    """Return the envelope of an answer; an empty one for an HTML page."""
    return dict(json.loads(answer.body)) if answer.body.startswith(b"{") else {}


def _rows(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of an envelope; none for an error, or a page of a list."""
    rows = content.get("result")
    return rows if isinstance(rows, list) else []


def _said(answer: Answer, content: dict[str, Any]) -> Delivery:
    return Delivery(answer=attrs.evolve(answer, body=json.dumps(content).encode()))
