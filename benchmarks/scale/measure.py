"""What thousands of accounts take, in one process, in two, and on Dask; and how that grows with them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks.results import Claim, Section, Table, joined
from benchmarks.scale import contest, storing, virtual, waiting
from benchmarks.scale.scene import Scene
from benchmarks.scale.with_dask import AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.scale.contest import Found

FEWER_CONNECTIONS = 20
FASTER, LESS_PROCESSOR = 2.5, 0.4
"""Days a second and processor time a day, against Dask with a client a task."""
COMMITS, STATEMENTS, CONNECTIONS = 1.2, 8, 8
MOST_BYTES, MOST_DESCRIPTORS = 60e3, 100
MAKESPAN = 1.03
_PEER = "Dask, a client a task"
_ONE, _TWO = "`run_jobs`, one process", "`run_jobs`, two processes"
_FEW = f"the same, {FEWER_CONNECTIONS} connections"
_DASK = "`fleet.dask`, two workers"
_PATIENCE = 300.0
_MIB = 2**20


def measure(*, quick: bool, say: Callable[[str], None]) -> Section:
    """Measure all of it, with servers of its own.

    Args:
        quick: whether fewer accounts will do.
        say: told what begins.
    """
    parts = {
        "ways": ways(Scene(60 if quick else 1_000, 3), say),
        "growth": growth((5, 20) if quick else (10, 100, 1_000), say),
        "waiting": memory(200 if quick else 5_000, say),
        "storing": disk(Scene(8, 50) if quick else Scene(60, 100), say),
        "virtual": makespan(Scene(50, 10) if quick else Scene(10_000, 30), say),
    }
    return joined(parts)


def ways(scene: Scene, say: Callable[[str], None]) -> Section:
    """Let the same accounts be fetched in every way."""
    runs: dict[str, tuple[Callable[..., Any], int]] = {
        _PEER: (partial(contest.a_client_each, scene, threads=AT_ONCE, patience=_PATIENCE), 100),
        _DASK: (partial(contest.fleet_on_dask, scene), 100),
        _ONE: (partial(contest.processes, scene, number=1), 100),
        _TWO: (partial(contest.processes, scene, number=2), 100),
        _FEW: (partial(contest.processes, scene, number=2), FEWER_CONNECTIONS),
    }
    found = {}
    for way, (work, connections) in runs.items():
        say(f"{scene.accounts:,} accounts, {scene.days} days: {way}")
        found[way] = contest.race(scene, work, connections)
    head = (
        *("", "days/s", "accounts/s", "CPU ms/day", "PostgreSQL ms/day", "commits/day", "statements/day"),
        *("connections", "WAL KB/day", "peak MiB"),
    )
    rows = tuple((way, *_cells(each)) for way, each in found.items())
    title = f"{scene.accounts:,} accounts with {scene.days} days each"
    claims = (*_against(found[_PEER], found[_DASK]), *_claims(found, scene))
    return Section(
        (Table(title, head, rows),),
        claims,
        {way: each.figures() for way, each in found.items()},
        remarks=(
            f"Dask has two workers with {AT_ONCE} tasks at a time: 100 connections allow no more.",
            "Commits are those that were written to the disk, as the write-ahead log has them.",
        ),
        summary=(_in_words(*claims[:2]),),
    )


def _cells(found: Found) -> tuple[str, ...]:
    days, load = found.days or 1, found.load
    return (
        f"{found.rate:.1f}",
        f"{found.rate / 3:.1f}",
        f"{found.processor / days * 1e3:.2f}",
        f"{load.processor / days * 1e3:.2f}",
        f"{load.commits / days:.2f}",
        f"{load.statements / days:.1f}",
        f"{load.connections}",
        f"{load.wal / days / 1e3:.1f}",
        f"{found.peak / _MIB:.0f}",
    )


def _against(peer: Found, own: Found) -> tuple[Claim, ...]:
    taken = own.processor / own.days / (peer.processor / peer.days)
    return (
        Claim("days a second, times Dask with a client a task", own.rate / peer.rate, FASTER, at_least=True),
        Claim("processor time of the workers, times the same", taken, LESS_PROCESSOR),
    )


def _in_words(faster: Claim, taken: Claim) -> str:
    return (
        f"On Dask, `hourlyclicks.fleet` fetches many accounts {faster.measured:.1f} times as fast as a "
        f"client in each task, for {taken.measured:.2f} times the processor time."
    )


def _claims(found: dict[str, Found], scene: Scene) -> tuple[Claim, ...]:
    own = {way: each for way, each in found.items() if way != _PEER}
    two = found[_TWO]
    return (
        Claim("days that are not final and right", sum(scene.total - each.days for each in own.values()), 0),
        Claim("requests over the limit of a key", sum(each.over for each in own.values()), 0),
        Claim("requests for a day, at most", max(each.requests / scene.total for each in own.values()), 1),
        Claim("commits a day, two processes", two.load.commits / two.days, COMMITS),
        Claim("statements a day, two processes", two.load.statements / two.days, STATEMENTS),
        Claim("connections of two processes", two.load.connections, CONNECTIONS),
    )


def growth(sizes: tuple[int, ...], say: Callable[[str], None]) -> Section:
    """See what a day costs among more and more accounts."""
    found = {}
    for accounts in sizes:
        say(f"growth: {accounts:,} accounts")
        scene = Scene(accounts, 3)
        found[accounts] = contest.race(scene, partial(contest.processes, scene, number=1))
    rows = tuple((f"{accounts:,}", *_cells(each)) for accounts, each in found.items())
    head = (
        *("accounts", "days/s", "accounts/s", "CPU ms/day", "PostgreSQL ms/day", "commits/day"),
        *("statements/day", "connections", "WAL KB/day", "peak MiB"),
    )
    return Section(
        (Table("`run_jobs` in one process, 3 days each", head, rows),),
        figures={str(accounts): each.figures() for accounts, each in found.items()},
    )


def memory(accounts: int, say: Callable[[str], None]) -> Section:
    """See what accounts take that wait."""
    say(f"{accounts:,} accounts that wait in one process")
    taken = waiting.measured(accounts)
    rows = (
        ("KB of memory an account", f"{taken['bytes'] / 1e3:.1f}"),
        ("descriptors of the process", f"{taken['descriptors']:.0f}"),
        ("processor time, % of a core", f"{taken['processor'] * 100:.1f}"),
    )
    return Section(
        (Table(f"{accounts:,} accounts that wait in one process", ("", "figure"), rows),),
        (
            Claim("bytes of an account that waits", taken["bytes"], MOST_BYTES),
            Claim("descriptors of the process", taken["descriptors"], MOST_DESCRIPTORS),
        ),
        dict(taken),
    )


def disk(scene: Scene, say: Callable[[str], None]) -> Section:
    """See what days take on the disk, and what the disk allows."""
    say(f"the size of {scene.total:,} days, and commits")
    stored, indexes, commits = storing.measured(scene, seconds=3)
    rows = (
        ("bytes of a day in tables and indexes", f"{stored:.0f}"),
        ("bytes of a day in indexes", f"{indexes:.0f}"),
        (f"commits a second of the disk, {storing.WRITERS} connections", f"{commits:,.0f}"),
    )
    return Section(
        (Table("PostgreSQL", ("", "figure"), rows),),
        figures={"stored": stored, "indexes": indexes, "commits": commits},
    )


def makespan(scene: Scene, say: Callable[[str], None]) -> Section:
    """Fetch all days on a virtual clock, and compare with the least time that the limits allow."""
    say(f"{scene.accounts:,} accounts, {scene.days} days, on a virtual clock")
    found = virtual.measured(scene)
    title = f"{scene.accounts:,} accounts with {scene.days} days each, on a virtual clock"
    rows = (
        ("days", f"{found['days']:,.0f}"),
        ("requests", f"{found['requests']:,.0f}"),
        ("over a limit", f"{found['over']:,.0f}"),
        ("longest account, times its least time", f"{found['longest']:.3f}"),
        ("processor time, ms a day", f"{found['processor'] / found['days'] * 1e3:.2f}"),
    )
    return Section(
        (Table(title, ("", "figure"), rows),),
        (
            Claim("requests over a limit, on a virtual clock", found["over"], 0),
            Claim("days that are missing there", scene.total - found["days"], 0),
            Claim("time of the slowest account, times its least time", found["longest"], MAKESPAN),
        ),
        dict(found),
    )
