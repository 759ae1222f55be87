"""The durations of tests are added up by folder."""

from __future__ import annotations

from tests.durations import sum_by_folder

PRINTED = """\
============================= slowest durations ==============================
2.50s call     tests/store/test_days.py::test_a_day_comes_back_as_it_was[known8-postgres]
0.25s setup    tests/store/test_days.py::test_a_day_comes_back_as_it_was[known8-postgres]
0.50s teardown tests/cli/commands/test_fetch.py::test_it
0.75s call     tests/test_docs.py::test_the_readme_is_short
1.00s call     docs/how-to/backfill.md::line:12,column:1
0.01s call     README.md::line:30,column:1
8682 passed in 547.96s (0:09:07)
"""


def test_each_phase_of_a_test_counts_for_its_folder() -> None:
    """Other lines do not count."""
    assert sum_by_folder(PRINTED.splitlines()) == {
        "tests/store": 2.75,
        "tests/cli": 0.5,
        "tests/*.py": 0.75,
        "docs": 1.0,
        "README.md": 0.01,
    }
