"""A local server with the same API, on a socket or in-process, with traffic, limits and faults.

For the tests of this package and of your applications. Start with `Simulator`, or with
`Simulator.in_thread` in synchronous tests. Choose `Figures`. Add faults of
`hourlyclicks.simulator.faults` with a `Script` or with `Chances`. Simulate years in seconds with
`run_virtual` and `Simulator.transport`. `hourlyclicks.simulator.pytest` has the fixtures. The simulator
shares no code with the part of the package that calls the API, so that tests detect disagreements.
"""

from hourlyclicks.simulator.algorithms import ALGORITHMS, Policing
from hourlyclicks.simulator.app import Arrival
from hourlyclicks.simulator.catalogue import Catalogue, ListedGroup, ListedLink, ListRules
from hourlyclicks.simulator.clock import DeadlockError, VirtualClock, VirtualEventLoop, run_virtual
from hourlyclicks.simulator.counters import Answered, Counters
from hourlyclicks.simulator.delivery import Answer, Delivery, Fault
from hourlyclicks.simulator.faults import (
    Body,
    Bomb,
    Close,
    Drip,
    Envelope,
    Gzipped,
    Hang,
    Headed,
    Late,
    LostDays,
    Oversize,
    Raw,
    Reset,
    Status,
    Truncated,
    Unsized,
    WrongDay,
    redirect,
    retry_after,
)
from hourlyclicks.simulator.figures import Figures, Hours
from hourlyclicks.simulator.ranges import RangeRules
from hourlyclicks.simulator.rules import PLANS, PlanRules
from hourlyclicks.simulator.script import Asked, Chances, Faults, FirstOf, Rule, Script
from hourlyclicks.simulator.server import DEFAULT_KEY, Simulator
from hourlyclicks.simulator.threads import InThread
from hourlyclicks.simulator.traffic import Traffic

__all__ = [
    "ALGORITHMS",
    "DEFAULT_KEY",
    "PLANS",
    "Answer",
    "Answered",
    "Arrival",
    "Asked",
    "Body",
    "Bomb",
    "Catalogue",
    "Chances",
    "Close",
    "Counters",
    "DeadlockError",
    "Delivery",
    "Drip",
    "Envelope",
    "Fault",
    "Faults",
    "Figures",
    "FirstOf",
    "Gzipped",
    "Hang",
    "Headed",
    "Hours",
    "InThread",
    "Late",
    "ListRules",
    "ListedGroup",
    "ListedLink",
    "LostDays",
    "Oversize",
    "PlanRules",
    "Policing",
    "RangeRules",
    "Raw",
    "Reset",
    "Rule",
    "Script",
    "Simulator",
    "Status",
    "Traffic",
    "Truncated",
    "Unsized",
    "VirtualClock",
    "VirtualEventLoop",
    "WrongDay",
    "redirect",
    "retry_after",
    "run_virtual",
]
