"""The help of a command imports only what its options need."""

from __future__ import annotations

import subprocess
import sys
from typing import get_args

import pytest

from hourlyclicks.cli.actions.simulate import range_rules
from hourlyclicks.cli.commands.simulate import POLICING
from hourlyclicks.cli.options import simulated
from hourlyclicks.simulator import ALGORITHMS, ranges
from tests.cli.every_command import EVERY_COMMAND
from tests.cli.serving import ENVIRONMENT, ROOT
from tests.sizes import sample

_ROOMS = "client coordination engine events fetching jobs simulator transport cli.actions cli.steps"
_MODULES = "model.series store.ledger wire.decode wire.key"
HEAVY = {
    *("aiohttp", "asyncio", "asyncpg", "cattrs", "concurrent", "csv", "email", "hashlib", "logging"),
    *("msgspec", "platformdirs", "rich", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "tenacity"),
    *("tomllib", "uvloop", "zoneinfo"),
    *(f"hourlyclicks.{name}" for name in f"{_ROOMS} {_MODULES}".split()),
}
"""What no help needs. With all of these, ``status --help`` takes four times as long."""

SCRIPT = """
import sys
from hourlyclicks.cli import main
try:
    main()
finally:
    sys.stderr.write("\\n".join(sys.modules))
"""


HELP = [["--version"], ["--help"], *([*name.split(), "--help"] for name in EVERY_COMMAND)]


@pytest.mark.parametrize("words", sample(HELP, 5), ids=str)
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    """The help of a command, and the version, import no module that only the work needs."""
    command = [sys.executable, "-c", SCRIPT, *words]
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, cwd=ROOT, check=True)  # noqa: S603 - ours
    assert done.stdout
    assert HEAVY & set(done.stderr.split()) == set()


def test_the_names_of_algorithms_are_those_of_the_simulator() -> None:
    """The command line lists them without importing the simulator."""
    assert list(POLICING) == list(ALGORITHMS)


def test_the_names_of_the_rules_are_those_of_the_simulator() -> None:
    """The command line lists the values of each switch without importing the simulator."""
    assert get_args(ranges.TooLong) == simulated.TOO_LONG
    assert get_args(ranges.Month) == simulated.MONTHS
    assert get_args(ranges.Excluded) == simulated.EXCLUDED
    assert get_args(ranges.SilentDays) == simulated.SILENT_DAYS
    assert range_rules(simulated.ApiOptions()) == ranges.RangeRules()
