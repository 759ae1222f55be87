"""What a process of ``pytest -n`` tells of each test: of one that passed, once that it did, not three times.

By default, a test has a report of its setup, one of the test itself and one of its teardown. Without the
first and the last, an empty test takes a fifth less of the processor; part of that is spent where the reports
are collected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from _pytest.runner import runtestprotocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pytest


def telling(reports: Iterable[pytest.TestReport]) -> Iterator[pytest.TestReport]:
    """Yield the reports of one test without those of a setup and a teardown that did what they should."""
    return (report for report in reports if report.when == "call" or not report.passed)


def reports_all(config: pytest.Config) -> bool:
    """Return whether all reports are wanted: if there is one process, for ``--durations`` and for JUnit."""
    asked = config.getoption("durations", None) or config.getoption("xmlpath", None)
    return not hasattr(config, "workerinput") or bool(asked)


def run_and_tell(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Run a test, and send what is `telling` of it, but not that it begins and ends."""
    for report in telling(runtestprotocol(item, log=False, nextitem=nextitem)):
        item.ihook.pytest_runtest_logreport(report=report)
