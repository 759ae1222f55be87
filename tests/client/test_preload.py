"""A run has imported everything it may need when it begins."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
IMPATIENT = {"RES_OPTIONS": "timeout:1 attempts:1"}
"""Where there is no network, a name cannot be resolved after a second, not after many."""


def test_a_run_outlives_its_environment() -> None:
    """After the first answer no failure needs a module that was not imported yet."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.transport.departing"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | IMPATIENT,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["wrong"] == []
    assert found["wanted"] == []
