"""The faults that the simulator of the command line has, and what people call them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.simulator import Chances, Reset, Status, Truncated, WrongDay
from hourlyclicks.simulator.faults import GARBAGE

if TYPE_CHECKING:
    from collections import Counter

    from hourlyclicks.simulator import Fault

_PARTS: dict[Fault, int] = {
    Reset(): 5,
    Status(500): 3,
    Status(503): 2,
    Truncated(): 2,
    GARBAGE: 2,
    WrongDay(): 1,
}
_NAMES = {
    "Reset": "connection reset",
    "Status": "error status",
    "Truncated": "truncated",
    "Body": "garbled",
    "WrongDay": "other day",
}


def random_faults(rate: float, *, seed: int) -> Chances:
    """Return faults of all kinds that hit this share of the requests."""
    whole = sum(_PARTS.values())
    return Chances({fault: rate * part / whole for fault, part in _PARTS.items()}, seed=seed)


def faults_in_words(faults: Counter[str]) -> str:
    """Return the faults that were given, in words."""
    return ", ".join(f"{_NAMES.get(kind, kind)} {number:,}" for kind, number in faults.most_common())
