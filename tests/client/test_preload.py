"""A run has imported everything it may need when it begins."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.marks import thorough_only

ROOT = Path(__file__).parents[2]
IMPATIENT = {"RES_OPTIONS": "timeout:1 attempts:1"}
"""Where there is no network, a name cannot be resolved after a second, not after many."""
FROM_ARCHIVE = """
import asyncio, sys
archive, path = sys.argv[1:]
sys.path.insert(0, archive)
from hourlyclicks.client import preload
from hourlyclicks.store.sqlite import SqliteStore

async def use() -> int:
    store = SqliteStore(path)
    try:
        return await store.account("me")
    finally:
        await store.close()

assert preload.__file__.startswith(archive)
preload.load_all()
print(*sys.modules)
print(asyncio.run(use()))
"""


@thorough_only
def test_a_run_outlives_its_environment() -> None:
    """After the first answer no failure needs a module that was not imported yet."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.transport.departing"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | IMPATIENT,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["wrong"] == []
    assert found["wanted"] == []


@thorough_only
def test_a_zip_archive_is_as_good_as_a_folder(tmp_path: Path) -> None:
    """From an archive all jobs are imported as well, and the scripts of the tables are found."""
    archive = tmp_path / "packages.zip"
    package = ROOT / "hourlyclicks"
    with zipfile.ZipFile(archive, "w") as made:
        for path in package.rglob("*.*"):
            if path.suffix != ".pyc":
                made.write(path, path.relative_to(ROOT))
    done = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-c", FROM_ARCHIVE, str(archive), str(tmp_path / "clicks.db")],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    names, *rest = done.stdout.splitlines()
    jobs = {f"hourlyclicks.jobs.{path.stem}" for path in (package / "jobs").glob("[!_]*.py")}
    assert jobs - set(names.split()) == set()
    assert rest == ["1"]
