"""Our client beside its peers: the same days from nginx, with the libraries that one would take otherwise.

Returns the section "peers". What the work is says `benchmarks.peers.slices`, who does it
`benchmarks.peers.contenders`, and how it is compared `benchmarks.peers.contest`.

Nothing is set in the environment of the contenders, but over TLS ``SSL_CERT_FILE``, by which they know the
authority that has signed the certificate of the server. A third scene tells glibc to keep the memory that it
has got: for each answer on a plain socket asyncio takes 256 KiB and gives back all but the answer, and glibc
gets them from the kernel and returns them each time if the process is small.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from benchmarks.peers import report, wrk
from benchmarks.peers.contenders import CONTENDERS
from benchmarks.peers.contest import Contest, Scene
from benchmarks.peers.report import HTTP, NAIVE, OURS, PLAN, TLS, TUNED
from benchmarks.peers.upstream import certify, find_nginx, upstream
from benchmarks.processes import cores
from benchmarks.results import Section

if TYPE_CHECKING:
    from collections.abc import Callable

NO_NGINX = "Nothing was measured: nginx is not installed (on Debian: apt-get install nginx-light)."
FULL, QUICK = (3653, 9, (1, 3, 10, 50)), (500, 2, (1, 3))
"""Days of a run, rounds, and how many requests are under way."""
MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 27),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 28),
    "MALLOC_TOP_PAD_": str(1 << 26),
}


def measure(*, quick: bool, say: Callable[[str], None]) -> Section:
    """Let all contenders fetch the same days.

    Args:
        quick: measure little: good to see whether it works.
        say: is told when a longer step begins.
    """
    if find_nginx() is None:
        return Section(remarks=(NO_NGINX,))
    days, rounds, concurrencies = QUICK if quick else FULL
    core, other = cores()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hourlyclicks-tls-")))
        authority = {"SSL_CERT_FILE": str(certify(folder))}
        http, https = (stack.enter_context(upstream(core=other, tls=tls)) for tls in (None, folder))
        over_tls = tuple(name for name, contender in CONTENDERS.items() if contender.tls)
        scenes = {
            HTTP: Scene("plain HTTP", http, tuple(CONTENDERS), concurrencies),
            TLS: Scene("TLS", https, over_tls, concurrencies, authority),
            TUNED: Scene("plain HTTP, tuned malloc", http, (OURS, NAIVE), (PLAN,), MALLOC),
        }
        contest = Contest(scenes, days, core)
        say("asking nginx with wrk")
        limits = {}
        troubles = []
        for scene in (HTTP, TLS):
            try:
                limits[scene] = wrk.ask(scenes[scene].base, seconds=1 if quick else 5, core=core)
            except wrk.WrkError as error:
                troubles.append(f"How much nginx can answer is not known: {error}.")
        contest.hold(rounds, say)
    of_servers = [report.of_server(contest, scene, limit) for scene, limit in limits.items()]
    return Section(
        tuple(report.tables(contest, rounds)),
        tuple(report.claims(contest)),
        {
            "nginx_requests_per_second": limits,
            "labels": {name: contender.label for name, contender in CONTENDERS.items()},
            "runs": [
                attrs.asdict(run, filter=lambda field, _: field.name != "versions") for run in contest.runs
            ],
        },
        (*report.remarks(contest), *of_servers, *troubles),
        tuple(report.summary(contest)),
    )
