"""Whether a process of this machine is still there."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hourlyclicks.coordination.processes import is_gone

NOW, YEARS = dt.timedelta(0), dt.timedelta(days=36_500)


def test_a_process_is_there_until_it_ends() -> None:
    """That of the test is; one that has ended is not, also as long as its parent has not asked how."""
    assert not is_gone(os.getpid(), NOW)
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert is_gone(child.pid, NOW) is Path("/proc").is_dir()
    assert is_gone(child.pid, NOW)
    assert is_gone(2**70, NOW)


@pytest.mark.skipif(not Path("/proc/uptime").exists(), reason="only Linux tells when a process began")
def test_a_younger_process_is_another_one() -> None:
    """The ids of processes are used again."""
    assert is_gone(os.getpid(), YEARS)
