"""Checks of the arguments of a simulator, so that a mistake is one sentence where it is made."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args

from hourlyclicks.errors import UsageError
from hourlyclicks.model.checks import check_name, check_type, check_whole
from hourlyclicks.simulator.app import RetryAfter
from hourlyclicks.simulator.catalogue import Catalogue, ListRules
from hourlyclicks.simulator.ranges import RangeRules
from hourlyclicks.simulator.rules import plan_rules
from hourlyclicks.simulator.upstream import Future

if TYPE_CHECKING:
    from hourlyclicks.simulator.rules import PlanRules

_LARGEST_PORT = 65_535


def check_server(**options: Any) -> None:  # noqa: ANN401 - checked here
    """Check the arguments of a simulator that no other class checks.

    Raises:
        UsageError: an argument is invalid.
    """
    check_whole("seed", options["seed"], least=-(1 << 63))
    _check_choice("retry_after", options["retry_after"], get_args(RetryAfter))
    _check_choice("future", options["future"], get_args(Future))
    _check_latency(options["latency"])
    _check_today(options["today"])
    _check_address(options["host"], options["port"])
    check_faults(options["faults"])
    _check_optional("ranges", options["ranges"], RangeRules)
    _check_optional("lists", options["lists"], ListRules)
    _check_optional("catalogue", options["catalogue"], Catalogue)
    _check_clock(options["clock"])


def read_keys(keys: object) -> dict[str, PlanRules]:
    """Return the rules of each key.

    Raises:
        UsageError: a key is not text, there is none, or a plan does not exist.
    """
    if not isinstance(keys, Mapping) or not keys:
        raise UsageError(f"keys map each API key to the name of its plan, not {keys!r}")
    for key in keys:
        check_name("an API key", key)
    return {key: plan_rules(name) for key, name in keys.items()}


def check_faults(faults: object) -> None:
    """Check what chooses the faults.

    Raises:
        UsageError: it cannot choose.
    """
    if faults is not None and not callable(getattr(faults, "pick", None)):
        raise UsageError(f"faults are a Script, Chances or another object with a method pick, not {faults!r}")


def check_ranges(ranges: object) -> None:
    """Check how ranges are answered for.

    Raises:
        UsageError: it is something else.
    """
    check_type("ranges", ranges, RangeRules)


def _check_optional(name: str, value: object, kind: type) -> None:
    if value is not None:
        check_type(name, value, kind)


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UsageError(f"{name} is one of {', '.join(choices)}, not {value!r}")


def _check_latency(latency: object) -> None:
    match latency:
        case (int() | float() as least, int() | float() as most) if 0 <= least <= most < math.inf:
            return
    raise UsageError(f"latency is a pair of a least and a greatest number of seconds, not {latency!r}")


def _check_today(today: object) -> None:
    naive = isinstance(today, dt.datetime) and today.tzinfo is None
    if naive or not isinstance(today, dt.date | None):
        raise UsageError(f"today is a date or an aware datetime, not {today!r}")


def _check_address(host: object, port: object) -> None:
    check_name("host", host)
    if type(port) is not int or not 0 <= port <= _LARGEST_PORT:
        raise UsageError(f"port must be a whole number from 0 to {_LARGEST_PORT}, not {port!r}")


def _check_clock(clock: object) -> None:
    needed = ("monotonic", "wall", "sleep", "call_later")
    if clock is not None and not all(callable(getattr(clock, name, None)) for name in needed):
        raise UsageError(f"clock must have the methods {', '.join(needed)}, and {clock!r} has not")
