"""A run has imported everything it may need when it begins."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_run_outlives_its_environment() -> None:
    """After the first answer no failure needs a module that was not imported yet."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.transport.departing"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["wrong"] == []
    assert found["wanted"] == []
