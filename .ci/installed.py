"""Check an installed package without extras: its names are there, and what is missing is named."""  # noqa: INP001 - a script beside the one that runs it

from __future__ import annotations

import importlib
import subprocess
import sys
import sysconfig
from importlib.metadata import distribution
from pathlib import Path

MODULES = ("hourlyclicks", "hourlyclicks.simulator", "hourlyclicks.plot", "hourlyclicks.store")


def main(version: str) -> None:
    """Check the package of this interpreter.

    Args:
        version: the version that should be installed.

    Raises:
        SystemExit: something is wrong.
    """
    package = Path(importlib.import_module("hourlyclicks").__file__ or "").parent
    modules = [importlib.import_module(name) for name in MODULES]
    names = [getattr(module, name) for module in modules for name in module.__all__]
    command = [sys.executable, "-m", "hourlyclicks", "--help"]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stderr  # noqa: S603 - ours
    faults = {
        "it is not the installed one": not package.is_relative_to(sysconfig.get_path("purelib")),
        "it has another version": distribution("hourlyclicks").version != version,
        "type checkers do not find its types": not (package / "py.typed").exists(),
        "its command does not name the extra": told.count("\n") != 1 or "hourlyclicks[cli]" not in told,
    }
    if found := [fault for fault, there in faults.items() if there]:
        raise SystemExit(f"{package}: {'; '.join(found)}")
    print(f"hourlyclicks {version}, Python {sys.version.split()[0]}: {len(names)} public names")  # noqa: T201 - a script


if __name__ == "__main__":
    main(*sys.argv[1:])
