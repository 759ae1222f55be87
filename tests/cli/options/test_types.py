"""Types of values."""

from __future__ import annotations

import pytest

from tests.cli.serving import invoke

RANGE = ("--from", "2025-04-01", "--to", "2025-04-02")


@pytest.mark.parametrize(
    "words",
    [
        ("fetch", *RANGE, "--account", "-o", ""),
        ("fetch", *RANGE, "--account", "--key-file", ""),
        ("fetch", *RANGE, "--targets", ""),
        ("fetch", *RANGE, "--account", "--store", "x.db", "--account-name", ""),
        ("backfill", *RANGE, "--account", "--store", "x.db", "--account-name", " "),
        ("export", "--store", "x.db", "-o", ""),
        ("status", "--store", "x.db", "--account-name", ""),
    ],
)
def test_an_empty_name_is_refused(words: tuple[str, ...]) -> None:
    """An unset variable of the shell names no file and no account."""
    result = invoke(*words)
    assert result.exit_code == 2
    assert "empty" in result.stderr.splitlines()[-1]
