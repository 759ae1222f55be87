"""A process without free file descriptors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="this system has no limit of open files")

ROOT = Path(__file__).parents[2]
SCRIPT = """
import asyncio, os, resource, sys
import hourlyclicks
from hourlyclicks import HourlyClicksError
from hourlyclicks.model.zones import as_zone
from hourlyclicks.store.opening import store_of

class Full:
    "No file can be opened meanwhile."
    def __enter__(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        self.held = []
        try:
            while True:
                self.held.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:
            pass
    def __exit__(self, *_):
        for number in self.held:
            os.close(number)

def tell(act):
    try:
        act()
    except HourlyClicksError as error:
        print(f"{type(error).__name__}: {error}")
    else:
        print("well")

async def main():
    import zoneinfo
    for where in sys.argv[1:]:
        with Full():
            tell(lambda: store_of(where))
        store = store_of(where)
        with Full():
            try:
                await store.open()
            except HourlyClicksError as error:
                print(f"{type(error).__name__}: {error}")
        await store.open()
        await store.close()
    with Full():
        tell(lambda: as_zone("Asia/Seoul"))
    tell(lambda: as_zone("Asia/Seoul"))

asyncio.run(main())
"""


def test_no_descriptor_is_left(tmp_path: Path) -> None:
    """The error is typed, not one of the operating system; with free descriptors the store works again."""
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "clicks.db")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)  # noqa: S603 - ours
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0].startswith("StoreError: what a store needs cannot be imported")
    assert lines[1].startswith("StoreError: the store ")
    assert lines[2:] == ["UsageError: the time zone 'Asia/Seoul' cannot be read: too many open files", "well"]
