"""``hourlyclicks simulate``, as far as it runs in this process."""

from __future__ import annotations

import asyncio
import shlex
import socket
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import Limits, Link, Rate
from hourlyclicks.cli.actions.simulate import _keys, _report, _serve, range_rules
from hourlyclicks.cli.options.faults import faults_in_words, random_faults
from hourlyclicks.cli.options.simulated import ApiOptions
from hourlyclicks.simulator import Answered, Counters, RangeRules, Simulator
from tests.cli.serving import invoke

if TYPE_CHECKING:
    from hourlyclicks.simulator import Chances


@pytest.mark.parametrize(
    ("limits", "options"),
    [
        (Limits((Rate(15, 60.0),), guard=1.0), "--plan premium"),
        (Limits((Rate(24, 2.4),), concurrency=2, guard=0.04), "--limit 24/2.4 --concurrency 2 --guard 0.04"),
    ],
)
async def test_it_prints_what_to_try(
    limits: Limits, options: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """URL, key and limits are in a command that can be pasted, and it works."""
    simulator = Simulator(seed=1)
    task = asyncio.create_task(_serve(simulator, "premium", limits))
    while not (printed := capsys.readouterr().out):  # noqa: ASYNC110 - a print sets no event
        await asyncio.sleep(0)  # until it has printed
    url = simulator.url
    words = shlex.split(printed.split("\n\n")[1].replace("\\\n", ""))
    task.cancel()
    await task
    assert url in printed.splitlines()[0]
    assert words[:5] == [f"HOURLYCLICKS_API_KEY={simulator.key}", "hourlyclicks", "fetch", "--base-url", url]
    assert options in printed


async def test_it_prints_a_key_for_each_account(capsys: pytest.CaptureFixture[str]) -> None:
    """More keys are variables of a shell, and the server knows each."""
    names = _keys(3)
    simulator = Simulator(keys=dict.fromkeys(names, "personal"))
    task = asyncio.create_task(_serve(simulator, "personal", Limits((Rate(9, 60.0),), guard=1.0), names))
    while not (printed := capsys.readouterr().out):  # noqa: ASYNC110 - a print sets no event
        await asyncio.sleep(0)  # until it has printed
    exported = [line.split("=")[1] for line in printed.splitlines() if line.startswith("  export KEY_")]
    assert exported == names
    for key in exported:
        async with simulator.client(key=key) as client:
            await client.day("2025-04-01", Link("kYdr", "https://vvd.bz"))
    task.cancel()
    await task


def test_a_port_in_use_is_an_error() -> None:
    """A port that is in use ends with a sentence."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = invoke("simulate", "--port", str(port))
    assert result.exit_code == 2
    assert f"cannot listen on port {port}" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("--plan", "free"),
        ("--keys", "0"),
        ("--time-scale", "0"),
        ("--time-scale", "inf"),
        ("--time-scale", "nan"),
        ("--fault-rate", "1.5"),
        ("--fault-rate", "nan"),
        ("--policing", "by eye"),
        ("--too-long", "fail"),
        ("--range-cap", "0"),
        ("--active-days", "101"),
    ],
)
def test_mistakes_are_errors(words: tuple[str, str]) -> None:
    """What the simulator cannot do is an error."""
    assert invoke("simulate", *words).exit_code == 2


def test_the_report_says_what_it_saw() -> None:
    """It counts requests, statuses, 429s and faults."""
    counters = Counters(
        requests=1234,
        statuses=Counter({200: 1200, 429: 3}),
        over_limit=2,
        over_concurrency=1,
        faults=Counter({"Reset": 30, "Body": 1}),
    )
    assert _report(counters) == [
        "1,234 requests: 1,200 x 200, 3 x 429",
        "Over the rate: 2, too many at a time: 1",
        "Faults: connection reset 30, garbled 1",
    ]
    several = Counters(requests=3)
    several.answered.update({Answered("k", "clicks-by-hour/v3", 200): 2, Answered("", "", 404): 1})
    assert _report(several)[:3] == ["3 requests", "  other paths: 1", "  clicks-by-hour/v3: 2"]
    assert _report(Counters()) == ["0 requests", "Over the rate: 0, too many at a time: 0"]


def test_faults_share_the_rate() -> None:
    """The probabilities of all faults add up to the rate, and each has a name."""
    chances: Chances = random_faults(0.3, seed=1)
    assert sum(chances.chances.values()) == pytest.approx(0.3)
    kinds = Counter(type(fault).__name__ for fault in chances.chances)
    assert not set(kinds) & set(faults_in_words(kinds).replace(",", "").split())


def test_the_options_become_rules() -> None:
    """Each option about ranges is a switch of the simulator."""
    api = ApiOptions(
        range_cap=9,
        month="31",
        too_long="cut_end",
        excludes="end",
        range_shift=1,
        silent_days="zeros",
        no_ranges=True,
    )
    assert range_rules(api) == RangeRules(
        cap=9,
        month="31",
        too_long="cut_end",
        excludes="end",
        shift=1,
        silent_days="zeros",
        missing=404,
    )
