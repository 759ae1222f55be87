"""Whether a process of this machine is still there."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hourlyclicks.model.checks import LONGEST_LABEL
from hourlyclicks.wire.sanitize import excerpt

if TYPE_CHECKING:
    import datetime as dt

_ENDED = frozenset("ZXx")
_STATE, _START = 0, 19
"""Fields of ``/proc/PID/stat``, counted behind the name of the program."""

_MARGIN = 60.0
"""Seconds by which a process has to be younger than a run to be another program's."""


def host_name() -> str:
    """Return the name of this machine, as runs report it."""
    return excerpt(socket.gethostname(), LONGEST_LABEL)


def is_gone(pid: int, age: dt.timedelta) -> bool:
    """Return whether a process of this machine has ended, as far as the machine tells.

    Args:
        pid: its process id.
        age: how old it is at least; a younger process is another one that got the same id.
    """
    if os.name != "posix" or pid <= 0:  # on Windows, `os.kill` ends the process
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:  # it is another user's
        pass
    with suppress(OSError, ValueError, IndexError):  # only Linux tells more
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        up = float(Path("/proc/uptime").read_text("ascii").split()[0])
        lived = up - int(fields[_START]) / os.sysconf("SC_CLK_TCK")
        return fields[_STATE] in _ENDED or lived + _MARGIN < age.total_seconds()
    return False
