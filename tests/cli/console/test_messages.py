"""What is said besides the result, and what is not."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from hourlyclicks.cli.console.messages import quiet, say

if TYPE_CHECKING:
    import pytest

LOG = logging.getLogger("hourlyclicks")


def test_quiet_holds_for_warnings_of_the_log_as_well(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of the shared limit, beside the one line of the error; without `quiet`, they are shown."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    with quiet(on=True):
        LOG.warning("the shared rate limit could not be updated")
        say("more")
        say("the error", although_quiet=True)
    assert capfd.readouterr().err == "the error\n"
    with quiet(on=False):
        LOG.warning("the shared rate limit could not be updated")
    assert capfd.readouterr().err == "the shared rate limit could not be updated\n"
