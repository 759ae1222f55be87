"""Measurements in processes of their own, and the sections that are made of several."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.results import Section

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROOT = Path(__file__).parents[2]


def run(module: str, *arguments: object) -> dict[str, Any]:
    """Run a module in a fresh process, and return what it prints: one line of JSON.

    Raises:
        subprocess.CalledProcessError: it failed; what it complained about has gone to standard error.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=_ROOT)  # noqa: S603 - a module of ours
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def join(name: str, parts: Mapping[str, Section]) -> Section:
    """Make one section of several; the figures of each stand under its name."""
    sections = list(parts.values())
    return Section(
        name,
        tables=tuple(table for section in sections for table in section.tables),
        claims=tuple(claim for section in sections for claim in section.claims),
        figures={part: section.figures for part, section in parts.items()},
        remarks=tuple(remark for section in sections for remark in section.remarks),
    )
