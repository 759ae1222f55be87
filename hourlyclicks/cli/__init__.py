"""The command line, ``hourlyclicks``: see the work being done, fetch, estimate, simulate.

It needs the extra ``cli``, and says so in a sentence when that is not installed. What a command needs is
imported when that command is called, so that ``hourlyclicks --help`` is quick.
"""

from __future__ import annotations

import sys

_NEEDED = ("click", "platformdirs", "rich")
_NOT_INSTALLED = 2


def main() -> None:
    """Run the command line and leave the interpreter with its exit code."""
    try:
        import click  # noqa: F401, PLC0415 - only asked for; the sentence below must not need it
        import platformdirs  # noqa: F401, PLC0415 - likewise
        import rich  # noqa: F401, PLC0415 - likewise
    except ModuleNotFoundError as error:
        if error.name not in _NEEDED:
            raise
        sys.stderr.write("The command line needs more packages: pip install 'hourlyclicks[cli]'\n")
        sys.exit(_NOT_INSTALLED)
    from hourlyclicks.cli.app import app  # noqa: PLC0415 - needs the packages asked for above

    app.main(prog_name="hourlyclicks")
