"""``hourlyclicks simulate``: the simulator on a port, for trying things out by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hourlyclicks.cli.options.limits import PLANS
from hourlyclicks.cli.options.simulated import with_api
from hourlyclicks.cli.options.strict import StrictCommand
from hourlyclicks.cli.options.types import Finite

if TYPE_CHECKING:
    from hourlyclicks.cli.options.simulated import ApiOptions
    from hourlyclicks.simulator import Policing


POLICING = ("sliding_log", "fixed_window", "whole_seconds", "token_bucket", "leaky_bucket", "two_buckets")
"""The names of `hourlyclicks.simulator.ALGORITHMS`, without its import."""


@click.command(name="simulate", cls=StrictCommand)
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65_535),
    default=0,
    help="The port to listen on.  [default: a free port]",
)
@click.option(
    "--seed", metavar="N", type=int, default=0, show_default=True, help="Seed of the simulated traffic."
)
@click.option(
    "--plan",
    type=click.Choice([name for name in PLANS if name != "free"]),
    default="premium",
    show_default=True,
    help="The plan whose limits the server enforces.",
)
@click.option(
    "--keys",
    metavar="N",
    type=click.IntRange(1, 10_000),
    default=1,
    show_default=True,
    help='API keys that the server knows, each with these limits, for "fleet run".',
)
@click.option(
    "--time-scale",
    metavar="FACTOR",
    type=Finite(1e-6, 1e6),
    default=1.0,
    show_default=True,
    help="Duration of a second of the limits: with 0.1, a minute takes 6 s.",
)
@click.option(
    "--policing",
    type=click.Choice(POLICING),
    default="sliding_log",
    show_default=True,
    help="The rate limiting algorithm of the server.",
)
@click.option(
    "--fault-rate",
    metavar="SHARE",
    type=Finite(0, 1),
    default=0.0,
    show_default=True,
    help="The share of requests that fail.",
)
@with_api
def command(
    *,
    port: int,
    seed: int,
    plan: str,
    keys: int,
    time_scale: float,
    policing: Policing,
    fault_rate: float,
    api: ApiOptions,
) -> None:
    """Serve a simulated API on this machine until Ctrl-C.

    Prints its URL, an API key and a command to try; at the end, a summary of the requests it received. It has
    invented traffic for any link, group and day.
    """
    from hourlyclicks.cli.actions import simulate  # noqa: PLC0415 - its help needs less

    simulate.run(
        port=port,
        seed=seed,
        plan=plan,
        keys=keys,
        time_scale=time_scale,
        policing=policing,
        fault_rate=fault_rate,
        api=api,
    )
