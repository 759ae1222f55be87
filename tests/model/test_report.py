import copy
import datetime as dt
import pickle

import attrs
import pytest

from hourlyclicks.errors import ServerError
from hourlyclicks.model.report import BackfillReport, StopReason
from hourlyclicks.model.targets import Account, Query

REPORT = BackfillReport(
    total=10,
    done=4,
    reused=3,
    failed=1,
    refused=2,
    remaining=0,
    revised=0,
    provisional=1,
    requests=9,
    retries=2,
    seconds=12.5,
    stopped=StopReason.COMPLETE,
    resume_at=dt.datetime(2025, 6, 1, tzinfo=dt.UTC),
    failures={Query(dt.date(2025, 4, 1), Account()): ServerError("down", status=500, retryable=True)},
)


@pytest.mark.parametrize(
    ("failed", "remaining", "complete"), [(0, 0, True), (1, 0, False), (0, 1, False), (2, 3, False)]
)
def test_complete_means_that_nothing_is_missing(failed: int, remaining: int, *, complete: bool) -> None:
    """No day failed or was left out; rejected days do not count."""
    assert attrs.evolve(REPORT, failed=failed, remaining=remaining).complete == complete


def test_a_report_is_a_value() -> None:
    """It copies and pickles, and cannot be changed."""
    for other in (copy.deepcopy(REPORT), pickle.loads(pickle.dumps(REPORT))):  # noqa: S301 - our own bytes
        assert attrs.evolve(other, failures={}) == attrs.evolve(REPORT, failures={})
        assert {query: str(error) for query, error in other.failures.items()} == {
            query: str(error) for query, error in REPORT.failures.items()
        }
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        REPORT.done = 5  # type: ignore[misc]  # the point of the test


def test_a_report_is_short() -> None:
    """A thousand failures are not printed."""
    assert "down" not in repr(REPORT)


def test_reasons_are_words() -> None:
    """A stop reason compares and prints as text, and all are different."""
    assert StopReason("max_requests") is StopReason.MAX_REQUESTS
    assert f"{StopReason.MAX_REQUESTS}" == "max_requests"
    assert len(set(StopReason)) == len({str(reason) for reason in StopReason}) == 7
