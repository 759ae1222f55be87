"""A process that runs all accounts of its setting with `run_jobs`, and writes the report into a file."""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from pathlib import Path

from hourlyclicks.fleet import run_jobs
from tests.fleet.engines import short_leases  # noqa: F401 - short leases
from tests.fleet.engines.accounts import STORE, Setting

if __name__ == "__main__":
    setting = Setting.here()
    share = int(os.environ["SHARE"])
    report = asyncio.run(run_jobs(setting.jobs, store=STORE, at_once=share, **setting.options))
    Path(sys.argv[1]).write_bytes(pickle.dumps(report))
