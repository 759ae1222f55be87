"""Keys of a fleet are secrets: they are looked for in everything that leaves a run."""

from __future__ import annotations

import asyncio
import copyreg
import logging
import pickle
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import AuthenticationError, HourlyClicksError
from hourlyclicks.fleet import KeyRef, run_jobs
from hourlyclicks.fleet.options import ClientOptions
from hourlyclicks.simulator import Rule, Script, Status
from hourlyclicks.store import postgres
from tests.fleet.fleets import KEYS, Fleet, job, link, named

if TYPE_CHECKING:
    from pathlib import Path

ECHO = 2
"""The account whose server repeats the key."""


def with_traceback(error: AuthenticationError) -> tuple[Any, ...]:
    """Return how to make a copy with the same traceback."""
    make, (cls, args, state) = error.__reduce__()
    trace = error.__traceback__
    return (lambda *parts: make(*parts).with_traceback(trace)), (cls, args, state)


def shown(things: list[Any]) -> str:
    """Return everything that printing, pickling and logging things shows."""
    pickled = [pickle.dumps(thing).decode("latin-1") for thing in things]
    return "\n".join([*map(repr, things), *map(str, things), *pickled])


def test_no_key_leaves_a_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Not in jobs, events, reports, errors with their tracebacks, logs or the store."""
    fleet = Fleet(4)
    KEYS[named(1)] = "wrong-key-of-a-test"
    echo = f"bad key APIKey {KEYS[named(ECHO)]}".encode()
    fleet.upstream.faults = Script(Rule(Status(403, body=echo), target=link(ECHO)))
    jobs = [*fleet.jobs, job(4), job(5)]
    KEYS[named(4)] = KEYS[named(0)]
    KEYS[named(5)] = "a key with blanks"
    path = tmp_path / "clicks.db"
    with caplog.at_level(logging.DEBUG):
        report = fleet.run(jobs, store=path)
    assert len(report.incomplete_accounts) == 4
    errors: list[BaseException] = [each.error for each in report.accounts if each.error is not None]
    traces = ["".join(traceback.format_exception(error)) for error in errors]
    text = "\n".join(
        [shown([jobs, report, report.as_dict(), *fleet.events, *errors]), *traces, caplog.text]
        + [record.getMessage() for record in caplog.records]
    )
    stored = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    for key in set(KEYS.values()):
        assert key not in text
        assert key.encode() not in stored


@pytest.mark.parametrize("copying", ["plainly", "with tracebacks"])
def test_an_error_of_an_account_holds_no_frames(copying: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its traceback would hold the client with its key, for as long as the report.

    As `tblib` does it for Dask, copies may have the traceback of the original.
    """
    if copying == "with tracebacks":
        monkeypatch.setitem(copyreg.dispatch_table, AuthenticationError, with_traceback)
    fleet = Fleet(2)
    KEYS[named(1)] = "wrong-key-of-a-test"
    (account,) = fleet.run().incomplete_accounts
    error: BaseException | None = account.error
    assert isinstance(error, HourlyClicksError)
    assert (error.__traceback__, error.__cause__, error.__context__) == (None, None, None)
    assert error.report is None


def test_an_unexpected_error_is_told_without_its_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may repeat anything; the account fails, and the others complete."""
    fleet = Fleet(3)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(f"bug with {KEYS[named(1)]}")

    made = ClientOptions.client

    def client_of(self: Any, each: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as in the class
        return broken() if each.name == named(1) else made(self, each, *args, **options)

    monkeypatch.setattr(ClientOptions, "client", client_of)
    report = fleet.run()
    (account,) = report.incomplete_accounts
    assert account.name == named(1)
    assert str(account.error).startswith("unexpected: RuntimeError (test_canary.py, line ")
    assert KEYS[named(1)] not in shown([report, account.error])


def test_the_address_of_a_store_is_a_secret_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference to an address with a password that cannot be used is told without the password."""
    monkeypatch.setattr(postgres, "_FIRST_PATIENCE", 0.0)
    monkeypatch.setenv("CLICKS_STORE", "postgresql://user:canary-31415926@127.0.0.1:1/clicks")
    with pytest.raises(HourlyClicksError) as caught:
        asyncio.run(run_jobs([], store=KeyRef.env("CLICKS_STORE")))
    assert "canary-31415926" not in "".join(traceback.format_exception(caught.value))
