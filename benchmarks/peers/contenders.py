"""Who takes part, and how its work is called; only the standard library is used here, as in `slices`.

To add one, write a module with ``fetch(base, days, concurrency)``, and a line here. What it needs beside the
``bench`` extra gets a line in ``PEERS`` of ``noxfile.py``, and the name of that line is its environment.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from benchmarks.peers.slices import Row

_ENVIRONMENTS = Path(__file__).parents[2] / ".nox"


@dataclass(frozen=True)
class Contender:
    """One of those who do the work.

    Args:
        label: how it is called in tables.
        module: the module of ``benchmarks.peers`` whose ``fetch`` does the work.
        options: further arguments of ``fetch``: objects, as `pkgutil.resolve_name` finds them.
        without: a library that cannot be imported there, even where it is installed.
        environment: the session of nox that made the environment it runs in; empty: the running one.
        rounds: in how many rounds it takes part at most, if it is slow.
        tls: whether it takes part over TLS, too.
    """

    label: str
    module: str
    options: dict[str, str] = field(default_factory=dict)
    without: str = ""
    environment: str = ""
    rounds: int = 1000
    tls: bool = False

    @property
    def python(self) -> Path:
        """The interpreter that it runs on."""
        if not self.environment:
            return Path(sys.executable)
        return _ENVIRONMENTS / f"peers-{self.environment}" / "bin" / "python"

    def load(self) -> Callable[..., Iterable[Row]]:
        """Return what does the work, with everything imported that it needs."""
        if self.without:
            sys.modules[self.without] = None  # type: ignore[assignment]  # to the import system: there is none
        options: dict[str, Any] = {name: pkgutil.resolve_name(where) for name, where in self.options.items()}
        return partial(importlib.import_module(f"benchmarks.peers.{self.module}").fetch, **options)


_ORJSON, _UVLOOP = {"loads": "orjson:loads"}, {"run": "uvloop:run"}
_ONE_CLIENT = {"clients": "benchmarks.peers.httpx_loop:one_for_all"}

CONTENDERS = {
    "ours": Contender("hourlyclicks[speedups]", "ours", tls=True),
    "ours_plain": Contender("hourlyclicks", "ours", without="msgspec", tls=True),
    "naive": Contender("aiohttp by hand", "naive", tls=True),
    "obvious": Contender("aiohttp, tenacity, cattrs", "obvious"),
    "tuned": Contender("aiohttp, every trick", "tuned", tls=True),
    "tuned_orjson": Contender("aiohttp, every trick, orjson", "tuned", _ORJSON),
    "tuned_msgspec": Contender("aiohttp, every trick, msgspec", "tuned_msgspec", tls=True),
    "raw_sockets": Contender("raw sockets", "raw_sockets", tls=True),
    "raw_sockets_orjson": Contender("raw sockets, orjson", "raw_sockets", _ORJSON),
    "ours_uvloop": Contender("hourlyclicks[speedups] on uvloop", "ours", _UVLOOP),
    "naive_uvloop": Contender("aiohttp by hand on uvloop", "naive", _UVLOOP),
    "httpx_loop": Contender("httpx, a client a worker", "httpx_loop", environment="httpx", rounds=5),
    "httpx_shared": Contender("httpx, one client", "httpx_loop", _ONE_CLIENT, environment="httpx", rounds=3),
    "niquests_loop": Contender("niquests", "niquests_loop", environment="niquests", rounds=5),
    "requests_threads": Contender(
        "requests in threads", "requests_threads", environment="requests", rounds=5
    ),
    "dlt_source": Contender("dlt", "dlt_source", environment="dlt", rounds=3),
    "airbyte_source": Contender("airbyte-cdk", "airbyte_source", environment="airbyte", rounds=3),
}
"""By their names in the figures."""


def command(name: str, base: str, *, days: int, concurrency: int) -> list[str]:
    """Return what lets a contender do the work in a process of its own."""
    words = [str(CONTENDERS[name].python), "-m", "benchmarks.peers.measured", name, "--base", base]
    return [*words, "--days", str(days), "--concurrency", str(concurrency)]
