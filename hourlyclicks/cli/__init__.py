"""The command line, ``hourlyclicks``: see the work being done, fetch, estimate, simulate.

It needs the extra ``cli``, and says so in a sentence when that is not installed. What a command needs is
imported when that command is called, so that ``hourlyclicks --help`` is quick.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

_NEEDED = ("click", "platformdirs", "rich")
_NOT_INSTALLED = 2
_INTERRUPTED = 130


def _open_standard_streams() -> None:
    """Put the null device in place of closed standard streams, or sockets would take their places."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free place, which is this one
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - for as long as the process


def _forget_full_stderr() -> None:
    """Send nowhere what stderr does not take; else the interpreter ends with an exit code of its own."""
    try:
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def main() -> None:
    """Run the command line and leave the interpreter with its exit code."""
    _open_standard_streams()
    try:
        _run()
    except KeyboardInterrupt:  # so early that no command has begun
        sys.exit(_INTERRUPTED)
    finally:
        _forget_full_stderr()


def _run() -> None:
    if any(find_spec(name) is None for name in _NEEDED):
        sys.stderr.write("The command line needs more packages: pip install 'hourlyclicks[cli]'\n")
        sys.exit(_NOT_INSTALLED)
    from hourlyclicks.cli.app import app  # noqa: PLC0415 - needs the packages asked for above

    app.main(prog_name="hourlyclicks")
