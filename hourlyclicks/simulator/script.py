"""Who gets which fault: by a script, by chance, or one after the other.

A choice depends on the request alone, never on the order in which requests happen to arrive, unless the
script names request numbers. The same script therefore gives the same faults on a socket and in-process.
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

if TYPE_CHECKING:
    from collections.abc import Mapping

_WHOLE = 1 << 64


@attrs.frozen(kw_only=True)
class Asked:
    """A request, as the choice of a fault sees it. Requests refused for the rate are not counted in it.

    Args:
        number: which request it is of all, from 1.
        attempt: which request it is for its day and target, from 1.
        day: the day asked for, when it is one.
        target: the target asked for, when it is one.
    """

    number: int
    attempt: int
    day: dt.date | None
    target: Target | None


class Faults(Protocol):
    """Decides what goes wrong."""

    def pick(self, asked: Asked) -> Fault | None:
        """Return the fault of a request, or ``None`` to answer it well."""
        ...


@attrs.frozen
class Rule:
    """One line of a script; what is left out matches everything.

    Args:
        fault: what goes wrong.
        day: only this day.
        target: only this target.
        number: only the requests of these numbers, from 1, such as ``{7}`` or ``range(1, 4)``.
        times: only the first so many attempts of each day and target.
    """

    fault: Fault
    day: dt.date | None = None
    target: Target | None = None
    number: Container[int] | None = None
    times: int | None = None

    def matches(self, asked: Asked) -> bool:
        """Tell whether the line is about this request."""
        return (
            (self.day is None or self.day == asked.day)
            and (self.target is None or self.target == asked.target)
            and (self.number is None or asked.number in self.number)
            and (self.times is None or asked.attempt <= self.times)
        )


class Script:
    """Faults by rules; the first that matches holds.

    Example::

        Script(Rule(Reset(), day=date(2025, 4, 3), times=2), Rule(Status(503), number={10}))
    """

    def __init__(self, *rules: Rule) -> None:
        self.rules = rules

    def pick(self, asked: Asked) -> Fault | None:
        """See `Faults.pick`."""
        return next((rule.fault for rule in self.rules if rule.matches(asked)), None)


class Chances:
    """Faults by chance, each with its probability; at most one a request.

    Chance is drawn from (seed, target, day, attempt), so it does not depend on the order of requests.

    Args:
        chances: the probability of each fault, such as ``{Reset(): 0.05}``, together at most 1.
        seed: another seed, another luck.
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
        """Return an even number from 0 up to 1."""
        name = f"{self.seed}|{asked.target}|{asked.day}|{asked.attempt}".encode()
        return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "big") / _WHOLE


class FirstOf:
    """Several sources of faults; the first that has one for a request gives it."""

    def __init__(self, *sources: Faults) -> None:
        self.sources = sources

    def pick(self, asked: Asked) -> Fault | None:
        """See `Faults.pick`."""
        return next((fault for source in self.sources if (fault := source.pick(asked))), None)
