"""What a fleet of any size needs, computed from what one day and one account were measured to take.

Accounts share nothing but the store: each has a key and limits of its own. So what a fleet needs grows with
its accounts, and what one process or one database carries is found by a division. The measured inputs are in
``inputs.json``; ``python -m benchmarks.scale.page`` takes them from the results of a run, and writes the
tables of ``docs/explanation/scale.md``.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
from cattrs import Converter

from benchmarks.results import Table
from hourlyclicks.pacing.eta import forecast
from hourlyclicks.pacing.plans import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STORED = Path(__file__).parent / "inputs.json"
FLEETS = (1_000, 10_000, 100_000, 1_000_000)

_SECONDS_A_DAY = 86_400.0
_LIMITS = Plan.PERSONAL.limits
_LONGEST_RANGE = 7
"""Days that one request for a range may ask for, on the Personal plan."""
_YEAR = 365
_MINUTE = 60.0
_KB, _MB, _GB = 1e3, 1e6, 1e9
_ROUND = 100.0
"""From here on a figure is shown without decimals, from a tenth of it on with one."""


@attrs.frozen
class Inputs:
    """What was measured.

    Args:
        when: when, as ISO 8601 in UTC.
        machine: on what.
        worker: processor time of a worker process for a day, in seconds.
        database: processor time of the database for a day, in seconds.
        commits: durable commits for a day, under load: days that are ready at the same time share them.
        statements: statements for a day.
        wal: bytes of the write-ahead log for a day.
        stored: bytes of a day in the tables and indexes.
        indexes: bytes of them in the indexes.
        waiting: bytes of memory of an account that waits for its limit.
        disk: commits a second that the disk of the machine allowed, from 8 connections.
    """

    when: str
    machine: str
    worker: float
    database: float
    commits: float
    statements: float
    wal: float
    stored: float
    indexes: float
    waiting: float
    disk: float

    @classmethod
    def load(cls, path: Path = STORED) -> Inputs:
        """Read what `save` wrote."""
        return Converter().structure(json.loads(path.read_text("utf-8")), cls)

    def save(self, path: Path = STORED) -> None:
        """Write them as JSON."""
        path.write_text(json.dumps(attrs.asdict(self), indent=1) + "\n", "utf-8")


@attrs.frozen
class Machine:
    """What one worker process and one database server carry; assumed, not measured.

    Args:
        load: the share of a resource that is used at most.
        cores: the cores of the database server.
        memory: the memory of the database server, in bytes; the indexes are to stay within it.
        connections: the connections of the database server.
        pool: the connections of a worker process.
        worker_memory: the memory of a worker process, in bytes.
    """

    load: float = 0.7
    cores: int = 8
    memory: float = 32e9
    connections: int = 97
    pool: int = 4
    worker_memory: float = 1e9


@attrs.frozen
class Workload:
    """What each account has to do.

    Args:
        name: what it is called.
        days: how many days of figures each account needs.
        within: in how many seconds.
    """

    name: str
    days: int
    within: float

    def rate(self, accounts: int) -> float:
        """Return the days a second that all accounts need."""
        return self.days * accounts / self.within

    def active(self, accounts: int) -> float:
        """Return how many accounts are active at a time, when their days are requested one by one."""
        return accounts * forecast(self.days, _LIMITS).seconds / self.within


NIGHTLY = Workload("two days of a link, every night", 2, _SECONDS_A_DAY)
YEAR = Workload("a year of a link, within 24 hours", _YEAR, _SECONDS_A_DAY)


@attrs.frozen
class Resource:
    """One thing that a fleet can run out of.

    Args:
        name: what it is called.
        one: what has it, one worker process or one database.
        carries: how many days a second it carries.
    """

    name: str
    one: str
    carries: float

    def accounts(self, work: Workload) -> int:
        """Return for how many accounts it is enough."""
        return math.floor(self.carries / work.rate(1))


def worker_resources(inputs: Inputs, machine: Machine) -> list[Resource]:
    """Return what one worker process has, that which is used up first at the beginning."""
    found = [
        Resource("processor: one core", "process", machine.load / inputs.worker),
        Resource("memory", "process", machine.worker_memory / inputs.waiting / _LIMITS.interval),
    ]
    return sorted(found, key=lambda resource: resource.carries)


def database_resources(inputs: Inputs, machine: Machine) -> list[Resource]:
    """Return what one database has, that which is used up first at the beginning."""
    workers = machine.connections // machine.pool
    of_a_worker = worker_resources(inputs, machine)[0].carries
    found = [
        Resource("commits", "database", machine.load * inputs.disk / inputs.commits),
        Resource("processor", "database", machine.load * machine.cores / inputs.database),
        Resource("connections", "database", workers * of_a_worker),
    ]
    return sorted(found, key=lambda resource: resource.carries)


def processes(inputs: Inputs, machine: Machine, days: float) -> int:
    """Return how many worker processes carry so many days a second."""
    return math.ceil(days / worker_resources(inputs, machine)[0].carries)


def databases(inputs: Inputs, machine: Machine, days: float, accounts: int) -> int:
    """Return how many databases carry so many days a second, and the indexes of a year of all accounts."""
    busy = days / database_resources(inputs, machine)[0].carries
    large = accounts * _YEAR * inputs.indexes / machine.memory
    return math.ceil(max(busy, large))


def needs(inputs: Inputs, machine: Machine, work: Workload) -> Table:
    """Return what fleets of several sizes need for a workload."""

    def row(name: str, figure: Callable[[int], float]) -> tuple[str, ...]:
        return name, *(_shown(figure(accounts)) for accounts in FLEETS)

    rate = work.rate
    rows = (
        row("requests a second, a day each", rate),
        row(
            f"requests a second, ranges of {_LONGEST_RANGE} days",
            lambda n: rate(n) / min(_LONGEST_RANGE, work.days),
        ),
        row("accounts active at a time", work.active),
        row("commits a second, at most", lambda n: rate(n) * max(1.0, inputs.commits)),
        row("statements a second", lambda n: rate(n) * inputs.statements),
        row("write-ahead log, GB a day", lambda n: work.days * n * inputs.wal / _GB),
        row("processor time of workers, minutes", lambda n: work.days * n * inputs.worker / _MINUTE),
        row("memory of active accounts, MB", lambda n: work.active(n) * inputs.waiting / _MB),
        row("worker processes", lambda n: processes(inputs, machine, rate(n))),
        row("connections", lambda n: processes(inputs, machine, rate(n)) * machine.pool),
        row("processor time of databases, minutes", lambda n: work.days * n * inputs.database / _MINUTE),
        row("databases", lambda n: databases(inputs, machine, rate(n), n)),
    )
    return Table(work.name.capitalize(), ("accounts", *(f"{number:,}" for number in FLEETS)), rows)


def storage(inputs: Inputs, machine: Machine) -> Table:
    """Return what a year of all accounts takes on the disk."""
    years = [accounts * _YEAR for accounts in FLEETS]
    rows = (
        ("tables and indexes, GB", *(_shown(days * inputs.stored / _GB) for days in years)),
        ("indexes, GB", *(_shown(days * inputs.indexes / _GB) for days in years)),
        (
            "databases whose memory holds the indexes",
            *(_shown(math.ceil(days * inputs.indexes / machine.memory)) for days in years),
        ),
    )
    return Table("A year of a link in the store", ("accounts", *(f"{number:,}" for number in FLEETS)), rows)


def limits(inputs: Inputs, machine: Machine) -> Table:
    """Return for how many accounts each resource is enough, that which is used up first at the top."""
    resources = [*worker_resources(inputs, machine), *database_resources(inputs, machine)]
    rows = [
        (
            f"{each.name} of a {each.one}",
            _shown(each.carries),
            *(_shown(_about(each.accounts(work))) for work in (NIGHTLY, YEAR)),
        )
        for each in sorted(resources, key=lambda resource: resource.carries)
    ]
    head = ("used up", "days a second", "accounts, two days a night", "accounts, a year in 24 hours")
    return Table("What is used up first", head, tuple(rows))


def measured(inputs: Inputs) -> Table:
    """Return the inputs."""
    rows = (
        ("processor time of a worker for a day", f"{_shown(inputs.worker * 1e3)} ms"),
        ("processor time of the database for a day", f"{_shown(inputs.database * 1e3)} ms"),
        ("durable commits for a day, under load", _shown(inputs.commits)),
        ("statements for a day", _shown(inputs.statements)),
        ("write-ahead log for a day", f"{_shown(inputs.wal / _KB)} KB"),
        ("a day in tables and indexes", f"{_shown(inputs.stored)} bytes"),
        ("of these in indexes", f"{_shown(inputs.indexes)} bytes"),
        ("an account that waits, in memory", f"{_shown(inputs.waiting / _KB)} KB"),
        ("commits a second of the disk, 8 connections", _shown(inputs.disk)),
    )
    return Table("Measured", ("", "figure"), rows)


def blocks(inputs: Inputs, machine: Machine = Machine()) -> Iterator[tuple[str, str]]:
    """Yield the tables of the page by the names of their places."""
    yield "measured", f"{inputs.machine} Measured on {inputs.when}.\n\n{measured(inputs).markdown()}"
    yield "nightly", needs(inputs, machine, NIGHTLY).markdown()
    yield "year", needs(inputs, machine, YEAR).markdown()
    yield "storage", storage(inputs, machine).markdown()
    yield "limits", limits(inputs, machine).markdown()


def _shown(figure: float) -> str:
    """Return a figure with two or three digits that count."""
    if figure == round(figure) or figure >= _ROUND:
        return f"{figure:,.0f}"
    return f"{figure:,.1f}" if figure >= _ROUND / 10 else f"{figure:.2g}"


def _about(number: int) -> int:
    """Return a number with two digits that count."""
    return int(float(f"{number:.2g}"))
