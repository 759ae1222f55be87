"""Which process runs which test, when several run them (``pytest -n``)."""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, TypeVar

from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xdist.workermanage import WorkerController

T = TypeVar("T")

SHARED = {
    "tests/test_docs.py": "sources",
    "tests/test_house.py": "sources",
    "tests/test_names.py": "sources",
    "tests/test_wheel.py": "wheel",
    "tests/examples/test_fastapi.py": "fastapi",
    "tests/site/": "browser",
    "chromium": "browser",
    "tests/fleet/engines/": "engines",
    "tests/fleet/test_dask.py": "engines",
    "tests/fleet/test_procrastinate.py": "engines",
    "tests/benchmarks/store/": "stock",
    "tests/model/frames/": "frames",
    "tests/render/page/test_document.py": "report",
    "tests/render/plots/": "matplotlib",
    "tests/cli/commands/test_plot.py": "matplotlib",
    "tests/benchmarks/test_command.py": "matplotlib",
    "docs/how-to/pictures.md": "matplotlib",
}
"""What the names of tests have in common that parse, import or make the same, or use one site or browser."""


def spread(some: Sequence[T], others: Sequence[T]) -> list[T]:
    """Return some things among others, in equal distances but for a last part, and in their order.

    When several processes take tests from the front, those that wait are run beside those that compute, and
    none that waits for long is left for the end.
    """
    distance = max(1, len(others) * 4 // 5 // max(1, len(some)))
    rest = iter(some)
    mixed = ([*islice(rest, place % distance == 0), other] for place, other in enumerate(others))
    return [*chain.from_iterable(mixed), *rest]


class Distribution(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Give processes one test at a time, but keep together a page, and the tests that share something.

    What is kept together comes first, so that at the end no process waits for another.
    """

    def _split_scope(self, nodeid: str) -> str:
        page, mark, _ = nodeid.partition(".md::")
        return next((scope for part, scope in SHARED.items() if part in nodeid), page if mark else nodeid)

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        """Note that a process has run a test, and forget what it has done by now.

        After each test, xdist counts what the process still has to do, in a list of all it was ever given.
        For ten thousand tests, that takes some seconds.
        """
        super().mark_test_complete(node, item_index, duration)
        given = self.assigned_work[node]
        scope = self._split_scope(self.registered_collections[node][item_index])
        if all(given[scope].values()):
            del given[scope]
