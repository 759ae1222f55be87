"""Runs the command line in a process that has imported it already."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from hourlyclicks import cli
from hourlyclicks.cli.actions import backfill as action
from hourlyclicks.cli.app import app
from hourlyclicks.cli.commands import backfill

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_IMPORTED = app, action, backfill


def run(words: Sequence[str], environment: Mapping[str, str], output: Path) -> None:
    """Do what ``hourlyclicks`` does, as the main function of a process.

    Args:
        words: the arguments.
        environment: the variables.
        output: the file that gets what it writes.
    """
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = words
    with output.open("wb") as stream:
        for descriptor in (1, 2):
            os.dup2(stream.fileno(), descriptor)
    cli.main()
