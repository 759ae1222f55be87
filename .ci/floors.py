"""Print the lowest versions that pyproject.toml allows, as constraints for pip."""  # noqa: INP001 - a script beside the one that runs it

from __future__ import annotations

import re
import tomllib
from pathlib import Path

_FLOOR = re.compile(r"(?P<name>[\w.-]+)(?:\[[\w,]+\])?>=(?P<version>[\w.]+)")


def floors(extras: tuple[str, ...]) -> list[str]:
    """Return a constraint for each requirement of the package and of some of its extras."""
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8")
    project = tomllib.loads(text)["project"]
    optional = project["optional-dependencies"]
    needed = [*project["dependencies"], *(each for extra in extras for each in optional[extra])]
    return [f"{found['name']}=={found['version']}" for each in needed if (found := _FLOOR.match(each))]


EXTRAS = (
    "arrow",
    "cli",
    "dask",
    "excel",
    "numpy",
    "pandas",
    "parquet",
    "plot",
    "polars",
    "postgres",
    "procrastinate",
    "report",
    "speedups",
    "test",
)

if __name__ == "__main__":
    print("\n".join(floors(EXTRAS)))  # noqa: T201 - read by the shell
