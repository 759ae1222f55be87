"""What ``hourlyclicks simulate`` does."""

from __future__ import annotations

import asyncio
import datetime as dt
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from hourlyclicks.cli.console import loop
from hourlyclicks.cli.console.stdout import flush_stdout, forget_stdout
from hourlyclicks.cli.exits import USAGE, CommandError
from hourlyclicks.cli.options.faults import faults_in_words, random_faults
from hourlyclicks.cli.options.limits import PLANS
from hourlyclicks.cli.output import resume
from hourlyclicks.model.quantities import count
from hourlyclicks.pacing.plans import Limits, Rate
from hourlyclicks.render.phrases import limits_in_words
from hourlyclicks.simulator import DEFAULT_KEY, Catalogue, RangeRules, Simulator
from hourlyclicks.simulator import PLANS as RULES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hourlyclicks.cli.options.simulated import ApiOptions
    from hourlyclicks.simulator import Counters, Policing

_LINK = "--link kYdr --domain https://vvd.bz --last 7d"
_MINUTE = 60.0
_NOT_FOUND = 404
_USUAL = "clicks-by-hour/v2"
_CREATED = dt.date(2016, 1, 1), dt.date(2025, 12, 31)
"""The first and the last day on which a link of the list was created."""


def run(
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
    """See the help of the command."""
    rules = RULES[PLANS[plan].name.lower()]
    simulator = Simulator(
        seed=seed,
        keys=dict.fromkeys(_keys(keys), rules.name),
        policing=policing,
        time_scale=time_scale,
        faults=random_faults(fault_rate, seed=seed),
        active_days=api.active_days,
        ranges=range_rules(api),
        catalogue=Catalogue.invented(api.links, *_CREATED, seed=seed),
        port=port,
    )
    limits = Limits(
        (Rate(rules.per_minute, _MINUTE * time_scale),), concurrency=rules.concurrent, guard=time_scale
    )
    try:
        loop.run(_serve(simulator, plan, limits, _keys(keys)))
    except OSError as error:
        raise CommandError(f"cannot listen on port {port}: {error.strerror}", USAGE) from None
    try:
        for line in _report(simulator.counters):
            click.echo(line)
        flush_stdout()
    except (OSError, CommandError):  # the terminal is gone, which changes nothing now
        forget_stdout()


def _keys(number: int) -> list[str]:
    """Return so many API keys; the first is that of every simulator."""
    return [DEFAULT_KEY, *(f"{DEFAULT_KEY}-{each}" for each in range(2, number + 1))]


def range_rules(api: ApiOptions) -> RangeRules:
    """Return how the simulator answers for ranges."""
    return RangeRules(
        cap=api.range_cap,
        month=api.month,
        too_long=api.too_long,
        excludes=api.excludes,
        shift=api.range_shift,
        silent_days=api.silent_days,
        missing=_NOT_FOUND if api.no_ranges else None,
    )


async def _serve(simulator: Simulator, plan: str, limits: Limits, keys: Sequence[str] = ()) -> None:
    """Serve until cancelled."""
    async with simulator:
        click.echo(f"Listening on {simulator.url} ({limits_in_words(limits)}). Ctrl-C ends it. To try it:\n")
        command = resume.line_of([*resume.program(), "fetch", "--base-url", simulator.url])
        click.echo(f"  HOURLYCLICKS_API_KEY={simulator.key} {command} \\")
        click.echo(f"    {_rate_options(plan, limits)} {_LINK}\n")
        if len(keys) > 1:
            click.echo(f"It knows {len(keys):,} API keys, each with these limits, for an account each:\n")
            for number, key in enumerate(keys, start=1):
                click.echo(f"  export KEY_{number}={key}")
            click.echo()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


def _rate_options(plan: str, limits: Limits) -> str:
    """Return the options of `fetch` for these limits."""
    rate = limits.rates[0]
    if rate.seconds == _MINUTE:
        return f"--plan {plan}"
    guard = f"--guard {limits.guard:.9g}"
    return f"--limit {rate.requests}/{rate.seconds:.9g} --concurrency {limits.concurrency} {guard}"


def _report(counters: Counters) -> list[str]:
    """Return what the server saw."""
    statuses = ", ".join(f"{number:,} x {status}" for status, number in sorted(counters.statuses.items()))
    lines = [f"{count(counters.requests, 'request')}" + (f": {statuses}" if statuses else "")]
    endpoints = {answered.endpoint for answered in counters.answered}
    if endpoints - {_USUAL}:
        lines += [
            f"  {name or 'other paths'}: {counters.count(endpoint=name):,}" for name in sorted(endpoints)
        ]
    lines.append(f"Over the rate: {counters.over_limit:,}, too many at a time: {counters.over_concurrency:,}")
    if counters.faults:
        lines.append(f"Faults: {faults_in_words(counters.faults)}")
    return lines
