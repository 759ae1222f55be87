"""The FastAPI service of the documentation as a process, with a client of the test.

python fastapi_child.py FOLDER PORT API CONCURRENCY
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from hourlyclicks import Client, Limits
from hourlyclicks.simulator import DEFAULT_KEY

if TYPE_CHECKING:
    from hourlyclicks.events import Hook


def main(folder: str, port: str, api: str, concurrency: str) -> None:
    """Serve."""
    sys.path.insert(0, folder)
    import fastapi_app  # type: ignore[import-not-found]  # noqa: PLC0415 - an example, found by the path above

    def new_client(metrics: Hook) -> Client:
        limits = Limits(concurrency=int(concurrency))
        return Client(DEFAULT_KEY, base_url=api, limits=limits, store="clicks.db", on_event=metrics)

    fastapi_app.new_client = new_client
    fastapi_app.LONGEST_WAIT = 600.0  # for hundreds of browsers and a slow server
    fastapi_app.main(int(port))


if __name__ == "__main__":
    main(*sys.argv[1:])
