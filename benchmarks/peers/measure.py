"""Our client beside its peers: the same days from nginx, with the libraries that one would take otherwise.

Returns the section "peers". What the work is says `benchmarks.peers.slices`, who does it
`benchmarks.peers.contenders`, and how it is compared `benchmarks.peers.contest`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from benchmarks.peers import report, wrk
from benchmarks.peers.contenders import CONTENDERS
from benchmarks.peers.contest import Contest
from benchmarks.peers.upstream import find_nginx, upstream
from benchmarks.processes import cores
from benchmarks.results import Section

if TYPE_CHECKING:
    from collections.abc import Callable

NO_NGINX = "Nothing was measured: nginx is not installed (on Debian: apt-get install nginx-light)."
FULL, QUICK = (3653, 9, (1, 3, 10, 50)), (200, 2, (1, 10))
"""Days of a run, rounds, and how many requests are under way."""


def measure(*, quick: bool, say: Callable[[str], None]) -> Section:
    """Let all contenders fetch the same days.

    Args:
        quick: measure little: good to see whether it works.
        say: is told when a longer step begins.
    """
    if find_nginx() is None:
        return Section("peers", (), remarks=(NO_NGINX,))
    days, rounds, concurrencies = QUICK if quick else FULL
    core, other = cores()
    limit = None
    with upstream(core=other) as base:
        say("asking nginx with wrk")
        try:
            limit = wrk.ask(base, concurrency=10, seconds=1 if quick else 5, core=core)
            said = ""
        except wrk.WrkError as error:
            said = f"How much nginx can answer is not known: {error}."
        contest = Contest(base, days, core, patience=300.0)
        contest.hold(rounds, concurrencies, say)
    if limit is not None:
        said = report.of_server(contest, limit, concurrencies)
    work = f"{days:,} days, median (least and greatest) of {rounds} rounds"
    return Section(
        "peers",
        tuple(report.table(contest, number, f"Concurrency {number}: {work}") for number in concurrencies),
        tuple(report.claims(contest, concurrencies)),
        {
            "nginx_requests_per_second": limit,
            "labels": {name: contender.label for name, contender in CONTENDERS.items()},
            "runs": [
                attrs.asdict(run, filter=lambda field, _: field.name != "versions") for run in contest.runs
            ],
        },
        (*report.remarks(contest, concurrencies), said),
    )
