"""A process of ``pytest -n`` reports each test, and all that went wrong."""

from __future__ import annotations

from typing import Any

import pytest

from tests.reporting import telling


def report(when: Any, outcome: Any) -> pytest.TestReport:  # noqa: ANN401 - words of pytest
    """Return a report of a part of a test."""
    return pytest.TestReport("a test", ("", 0, ""), {}, outcome, None, when)


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        ({"setup": "passed", "call": "passed", "teardown": "passed"}, ["call"]),
        ({"setup": "passed", "call": "failed", "teardown": "passed"}, ["call"]),
        ({"setup": "skipped", "teardown": "passed"}, ["setup"]),
        ({"setup": "failed", "teardown": "passed"}, ["setup"]),
        ({"setup": "passed", "call": "passed", "teardown": "failed"}, ["call", "teardown"]),
    ],
)
def test_what_is_told(outcomes: dict[str, str], told: list[str]) -> None:
    """How the test ended, and whether its setup or its teardown did not pass."""
    reports = [report(when, outcome) for when, outcome in outcomes.items()]
    assert [each.when for each in telling(reports)] == told
