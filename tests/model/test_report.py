import copy
import datetime as dt
import json
import pickle

import attrs
import pytest

from hourlyclicks.errors import ApiError, ServerError
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
    assert not attrs.evolve(REPORT, failed=failed, remaining=remaining, listed=False).complete


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


def test_a_report_as_json() -> None:
    """Every attribute is in it, as plain values; moments are in UTC."""
    seoul = dt.timezone(dt.timedelta(hours=9))
    gone = ApiError("no such link", code=7, status=200)
    report = attrs.evolve(
        REPORT,
        resume_at=dt.datetime(2025, 6, 1, 9, tzinfo=seoul),
        parked={Account(): gone},
        error=ServerError("down", status=500, retryable=True),
    )
    found = json.loads(json.dumps(report.as_dict()))
    assert found.keys() == attrs.fields_dict(BackfillReport).keys() | {"complete"}
    assert (found["stopped"], found["seconds"], found["complete"]) == ("complete", 12.5, False)
    assert found["resume_at"] == "2025-06-01T00:00:00+00:00"
    down = {"error": "ServerError", "message": str(report.error), "code": None, "status": 500}
    assert found["failures"] == [{"target": "account", "day": "2025-04-01", **down}]
    assert found["parked"] == [
        {"target": "account", "error": "ApiError", "message": str(gone), "code": 7, "status": 200}
    ]
    assert found["error"] == down
