"""Choosing the fault of a request: by a script, by chance, or by several sources in order.

The choice depends on the request alone, never on the order in which requests arrive, unless the script names
request numbers. So the same script gives the same faults on a socket and in-process.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Container
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

import attrs

from hourlyclicks.errors import UsageError
from hourlyclicks.model.targets import Target
from hourlyclicks.simulator.delivery import Fault
from hourlyclicks.simulator.endpoints import CLICKS_BY_HOUR

if TYPE_CHECKING:
    from collections.abc import Mapping

_WHOLE = 1 << 64


@attrs.frozen(kw_only=True)
class Asked:
    """A request for which a fault is chosen. Requests rejected because of the rate are not counted.

    Args:
        number: the number of the request, from 1.
        attempt: its number among those that ask for the same, from 1.
        day: the requested day, or the first one of a range, if valid.
        target: the requested target, if valid.
        last: the last day of a range; for one day, that day.
        endpoint: the name of the endpoint, such as ``"clicks-by-hour/v3"``.
        page: the number of the requested page of a list.
    """

    number: int
    attempt: int
    day: dt.date | None
    target: Target | None
    last: dt.date | None = None
    endpoint: str = CLICKS_BY_HOUR.name
    page: int | None = None

    def about(self, day: dt.date) -> bool:
        """Return whether the request asks for a day."""
        if self.day is None:
            return False
        return self.day <= day <= (self.last or self.day)


class Faults(Protocol):
    """Chooses the fault of each request."""

    def pick(self, asked: Asked) -> Fault | None:
        """Return the fault of a request, or ``None`` for a good answer."""
        ...


@attrs.frozen
class Rule:
    """One rule of a script; omitted conditions match everything.

    Args:
        fault: the fault.
        day: only this day, and ranges with this day.
        target: only this target.
        number: only requests with these numbers, from 1, such as ``{7}`` or ``range(1, 4)``.
        times: only this many first attempts for each day and target.
        endpoint: only the endpoint of this name, such as ``"clicks-by-hour/v3"``.
    """

    fault: Fault
    day: dt.date | None = None
    target: Target | None = None
    number: Container[int] | None = None
    times: int | None = None
    endpoint: str | None = None

    def matches(self, asked: Asked) -> bool:
        """Return whether the rule applies to a request."""
        return (
            (self.day is None or asked.about(self.day))
            and (self.target is None or self.target == asked.target)
            and (self.number is None or asked.number in self.number)
            and (self.times is None or asked.attempt <= self.times)
            and self.endpoint in {None, asked.endpoint}
        )


class Script:
    """Faults by rules; the first matching rule applies.

    Example::

        Script(Rule(Reset(), day=date(2025, 4, 3), times=2), Rule(Status(503), number={10}))
    """

    def __init__(self, *rules: Rule) -> None:
        self.rules = rules

    def pick(self, asked: Asked) -> Fault | None:
        """See `Faults.pick`."""
        return next((rule.fault for rule in self.rules if rule.matches(asked)), None)


class Chances:
    """Random faults, each with its probability; at most one for each request.

    The random numbers depend on the seed, the question and its attempt, and not on the order of requests.

    Args:
        chances: the probability of each fault, such as ``{Reset(): 0.05}``, together at most 1.
        seed: selects the random numbers.
    """

    def __init__(self, chances: Mapping[Fault, float], *, seed: int = 0) -> None:
        if any(chance < 0 for chance in chances.values()) or sum(chances.values()) > 1 + 1e-9:
            raise UsageError("probabilities are not negative, and together at most 1")
        self.chances = MappingProxyType(dict(chances))
        self.seed = seed

    def pick(self, asked: Asked) -> Fault | None:
        """See `Faults.pick`."""
        luck = self._luck(asked)
        for fault, chance in self.chances.items():
            luck -= chance
            if luck < 0:
                return fault
        return None

    def _luck(self, asked: Asked) -> float:
        """Return a uniform random number from 0 up to 1."""
        name = f"{self.seed}|{asked.target}|{asked.day}|{asked.attempt}"
        if asked.endpoint != CLICKS_BY_HOUR.name:
            name += f"|{asked.last}|{asked.endpoint}|{asked.page}"
        return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") / _WHOLE


class FirstOf:
    """Several sources of faults; the first one with a fault for a request applies."""

    def __init__(self, *sources: Faults) -> None:
        self.sources = sources

    def pick(self, asked: Asked) -> Fault | None:
        """See `Faults.pick`."""
        return next((fault for source in self.sources if (fault := source.pick(asked))), None)
