"""The event loop of a command."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.cli.console import hangup, loop
from tests.cli.serving import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterator


HANG_UP: signal.Signals | None = getattr(signal, "SIGHUP", None)
SIGNALS = [name for name in (signal.SIGINT, signal.SIGTERM, HANG_UP) if name is not None]
needs_hang_up = pytest.mark.skipif(HANG_UP is None, reason="there is no such signal elsewhere")


async def which() -> str:
    """Return the module of the running loop."""
    return type(asyncio.get_running_loop()).__module__.partition(".")[0]


def test_uvloop_is_used_where_it_is_installed() -> None:
    """It needs no option."""
    pytest.importorskip("uvloop")
    assert loop.run(which()) == "uvloop"


@pytest.mark.skipif(os.name != "posix", reason="there is no such limit elsewhere")
def test_a_loop_that_cannot_start_is_an_error_in_words() -> None:
    """A process that may open too few files says so, whichever loop it has."""
    pytest.importorskip("uvloop")
    words = (
        "-m hourlyclicks fetch --link https://vvd.bz/a --last 1d --limit 1/1 --base-url http://127.0.0.1:1"
    )
    ended = subprocess.run(  # noqa: S603 - ours
        ["/bin/sh", "-c", f'ulimit -n 12; exec "$0" {words}', sys.executable],
        env=ENVIRONMENT,
        capture_output=True,
        check=False,
        text=True,
    )
    message = "Error: too many open files: raise the limit, as by ulimit -n 256"
    assert ended.returncode == 2
    assert message in ended.stderr.splitlines()  # uvloop 0.21 reports the task that it has not run, too
    assert "Traceback" not in ended.stderr
    assert "never awaited" not in ended.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals are different there")
def test_a_second_sigterm_after_the_loop_loses_no_report() -> None:
    """What handled it before the loop handles it again: it ends a command, and not the process."""

    async def stopped(stop: asyncio.Event) -> str:
        signal.raise_signal(signal.SIGTERM)
        await stop.wait()
        return "report"

    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with hangup.interrupting():
            assert loop.run_until_stopped(stopped, on_stop=lambda _: None) == "report"
            assert callable(signal.getsignal(signal.SIGTERM)), "else this process would end now"
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_error_of_the_command_stays_as_it_is() -> None:
    """Although it came while an error of the system was handled, as that of a loop that cannot start."""

    async def failing() -> None:
        error = RuntimeError("a bug")
        error.__context__ = OSError(errno.EMFILE, "too many open files")
        raise error

    with pytest.raises(RuntimeError, match="a bug"):
        loop.run(failing())


def test_nothing_is_said_where_uvloop_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the loop is that of the standard library."""
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert loop.run(which()) == "asyncio"


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Give Ctrl-C its meaning in a terminal, however the tests were started."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    if HANG_UP is not None:
        signal.signal(HANG_UP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize("missing", [{}, {"uvloop": None}], ids=["uvloop", "asyncio"])
def test_ctrl_c_is_a_cancellation(
    missing: dict[str, None], name: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The coroutine is cancelled and may return a result; SIGTERM and SIGHUP are like Ctrl-C."""
    for module in missing:
        monkeypatch.setitem(sys.modules, module, None)

    async def wait() -> str:
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), name)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "kept"
        return "lost"

    assert loop.run(wait()) == "kept"


@pytest.fixture
def no_ctrl_c() -> Iterator[None]:
    """Ignore Ctrl-C, as in the background of a script."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(os.name != "posix", reason="there is no such signal elsewhere")
@pytest.mark.usefixtures("no_ctrl_c")
@pytest.mark.parametrize("missing", [{}, {"uvloop": None}], ids=["uvloop", "asyncio"])
def test_sigterm_works_where_ctrl_c_is_ignored(
    missing: dict[str, None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that is stopped early ends as after Ctrl-C, and is not killed."""
    for module in missing:
        monkeypatch.setitem(sys.modules, module, None)

    async def wait() -> None:
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGTERM)
        await asyncio.sleep(5)  # never that long, unless the signal is lost

    before = signal.signal(signal.SIGTERM, lambda *_: None)  # so that a lost signal does not kill the tests
    try:
        with pytest.raises(KeyboardInterrupt):
            loop.run(wait())
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("missing", [{}, {"uvloop": None}], ids=["uvloop", "asyncio"])
@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_stops_first_and_then_ends(
    missing: dict[str, None], name: signal.Signals, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one sets the event, the second one cancels; SIGTERM is like Ctrl-C."""
    for module in missing:
        monkeypatch.setitem(sys.modules, module, None)
    told: list[str] = []

    async def work(stop: asyncio.Event) -> str:
        os.kill(os.getpid(), name)
        await stop.wait()
        if times == 1:
            return "kept"
        os.kill(os.getpid(), name)
        try:
            await asyncio.Event().wait()
        finally:
            told.append("ended")
        return "never"

    before = signal.signal(signal.SIGTERM, lambda *_: None)  # so that a lost signal does not kill the tests
    try:
        if times == 1:
            assert loop.run_until_stopped(work, on_stop=told.append) == "kept"
        else:
            with pytest.raises(KeyboardInterrupt):
                loop.run_until_stopped(work, on_stop=told.append)
    finally:
        signal.signal(signal.SIGTERM, before)
    by = "Ctrl-C" if name == signal.SIGINT else "SIGTERM"
    assert told == [by, "ended"][:times]


@pytest.mark.skipif(os.name != "posix", reason="there is no such signal elsewhere")
@pytest.mark.usefixtures("no_ctrl_c")
def test_an_ignored_ctrl_c_stays_ignored() -> None:
    """In the background of a script Ctrl-C has no effect, and SIGTERM stops."""

    async def work(stop: asyncio.Event) -> bool:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0)
        assert not stop.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        await stop.wait()
        return True

    before = signal.signal(signal.SIGTERM, lambda *_: None)  # so that a lost signal does not kill the tests
    try:
        assert loop.run_until_stopped(work, on_stop=print)
    finally:
        signal.signal(signal.SIGTERM, before)


@needs_hang_up
@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("missing", [{}, {"uvloop": None}], ids=["uvloop", "asyncio"])
def test_only_the_first_hang_up_counts(missing: dict[str, None], monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel and the shell both send one: it stops a run, and the second one has no effect."""
    for module in missing:
        monkeypatch.setitem(sys.modules, module, None)
    told: list[str] = []

    async def work(stop: asyncio.Event) -> str:
        os.kill(os.getpid(), signal.SIGHUP)
        await stop.wait()
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return "kept"

    assert loop.run_until_stopped(work, on_stop=told.append) == "kept"
    os.kill(os.getpid(), signal.SIGHUP)
    assert told == ["SIGHUP"]


@needs_hang_up
@pytest.mark.usefixtures("ctrl_c")
def test_a_hang_up_after_another_signal_is_no_second_one() -> None:
    """Some service managers send SIGHUP after SIGTERM; requests in flight are kept all the same."""

    async def work(stop: asyncio.Event) -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        await stop.wait()
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return "kept"

    before = signal.signal(signal.SIGTERM, lambda *_: None)  # so that a lost signal does not kill the tests
    try:
        assert loop.run_until_stopped(work, on_stop=print) == "kept"
    finally:
        signal.signal(signal.SIGTERM, before)


@needs_hang_up
def test_a_hang_up_that_is_ignored_stays_ignored() -> None:
    """Under nohup a run continues."""

    async def work() -> str:
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0)
        return "done"

    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    assert loop.run(work()) == "done"
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
