"""Our client beside its peers: the same days from nginx, with the libraries that one would take otherwise.

Returns the section "peers". What the work is says `benchmarks.peers.slices`, how it is compared
`benchmarks.peers.contest`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from benchmarks.peers import remarks, report, wrk
from benchmarks.peers.contest import Contender, Rules, cores, hold
from benchmarks.peers.environments import Environments, Place, cache_folder, environments
from benchmarks.peers.upstream import find_nginx, upstream
from benchmarks.results import Section

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.peers.contest import Outcome

CONTENDERS = (
    Contender("ours", "hourlyclicks[speedups]", "speedups"),
    Contender("ours_plain", "hourlyclicks", "plain"),
    Contender("naive", "aiohttp by hand", "speedups"),
    Contender("obvious", "aiohttp, tenacity, cattrs", "speedups"),
    Contender("tuned", "aiohttp, every trick", "speedups"),
    Contender("tuned_orjson", "aiohttp, every trick, orjson", "speedups"),
    Contender("tuned_msgspec", "aiohttp, every trick, msgspec", "speedups"),
    Contender("raw_sockets", "raw sockets", "speedups"),
    Contender("raw_sockets_orjson", "raw sockets, orjson", "speedups"),
    Contender("ours_uvloop", "hourlyclicks[speedups] on uvloop", "speedups"),
    Contender("naive_uvloop", "aiohttp by hand on uvloop", "speedups"),
    Contender("ours", "hourlyclicks[speedups], malloc as it is", "speedups", calm=False),
    Contender("naive", "aiohttp by hand, malloc as it is", "speedups", calm=False),
    Contender("httpx_loop", "httpx, a client a worker", "httpx", 5),
    Contender("httpx_shared", "httpx, one client", "httpx", 3),
    Contender("niquests_loop", "niquests", "niquests", 5),
    Contender("requests_threads", "requests in threads", "requests", 5),
    Contender("dlt_source", "dlt", "dlt", 3),
    Contender("airbyte_source", "airbyte-cdk", "airbyte", 3),
)
NO_NGINX = "Nothing was measured: nginx is not installed (on Debian: apt-get install nginx-light)."


@attrs.frozen
class Effort:
    """How much is measured.

    Args:
        days: in each run.
        rounds: of all contenders that are not slow.
        slow: rounds of those that are, at most; their own number may be less.
        concurrencies: how many requests are under way.
        wrk: the seconds that wrk may ask.
        patience: the seconds a run may take.
    """

    days: int
    rounds: int
    slow: int
    concurrencies: tuple[int, ...]
    wrk: int
    patience: float


FULL = Effort(3653, 9, 9, (1, 3, 10, 50), 5, 300.0)
QUICK = Effort(300, 3, 2, (1, 10), 1, 30.0)


def measure(*, quick: bool, say: Callable[[str], None], folder: Path | None = None) -> Section:
    """Let all contenders fetch the same days.

    Args:
        quick: install nothing, and measure little: good to see whether it works.
        say: is told when a longer step begins.
        folder: where the virtual environments lie; the user's cache folder if not given.
    """
    if find_nginx() is None:
        return Section("peers", (), remarks=(NO_NGINX,))
    effort = QUICK if quick else FULL
    contenders = [_with_rounds(contender, effort.slow) for contender in CONTENDERS]
    places = Environments(folder or cache_folder(), install=not quick, say=say).prepare(environments())
    pinned = cores()
    core, other = pinned or (None, None)
    with upstream(core=other) as base:
        say("asking nginx with wrk")
        limit = _limit(base, effort, core)
        rules = Rules(base, effort.days, core, effort.patience)
        outcome = hold(
            contenders, places, rules, rounds=effort.rounds, concurrencies=effort.concurrencies, say=say
        )
    work = f"{effort.days:,} days, median (least and greatest) of {effort.rounds} rounds"
    of_server = limit if isinstance(limit, str) else remarks.of_server(outcome, limit)
    return Section(
        "peers",
        tuple(
            report.table(outcome, concurrency, f"Concurrency {concurrency}: {work}")
            for concurrency in effort.concurrencies
        ),
        tuple(report.claims(outcome, effort.concurrencies)),
        _figures(outcome, effort, limit),
        (*remarks.remarks(outcome, effort.concurrencies, pinned=pinned is not None), of_server),
    )


def _with_rounds(contender: Contender, most: int) -> Contender:
    """Return a slow contender with no more rounds than there are for such, and any other as it is."""
    return (
        contender if contender.rounds is None else attrs.evolve(contender, rounds=min(contender.rounds, most))
    )


def _limit(base: str, effort: Effort, core: int | None) -> float | str:
    """Return the requests a second that the server answers, or why that is not known."""
    try:
        return wrk.ask(base, concurrency=10, seconds=effort.wrk, core=core)
    except wrk.WrkError as error:
        return f"How much nginx can answer is not known: {error}."


def _figures(outcome: Outcome, effort: Effort, limit: float | str) -> dict[str, Any]:
    """Return all that was seen."""
    places = {name: place for name, place in outcome.places.items() if isinstance(place, Place)}
    return {
        "machine": remarks.machine(),
        "effort": attrs.asdict(effort),
        "versions": {name: place.versions for name, place in places.items()},
        "nginx_requests_per_second": limit if isinstance(limit, float) else None,
        "labels": {contender.name: contender.label for contender in outcome.contenders},
        "runs": [attrs.asdict(run) for run in outcome.runs],
        "failures": [attrs.asdict(failure) for failure in outcome.failures],
    }
