from __future__ import annotations

import asyncio
import datetime as dt
import functools
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.clock import SECOND
from hourlyclicks.errors import UsageError
from hourlyclicks.simulator import DeadlockError, Simulator, VirtualClock, VirtualEventLoop, run_virtual

if TYPE_CHECKING:
    from hourlyclicks.clock import Timer

YEAR = 365 * 86_400


def test_a_century_of_sleeps_is_exact_to_the_nanosecond() -> None:
    """However far the clock has gone, a sleep ends exactly when it should."""

    async def main(clock: VirtualClock) -> list[int]:
        moments = []
        for _ in range(100):
            await clock.sleep(YEAR)
            await asyncio.sleep(0.000_000_001)
            moments.append(clock.monotonic())
        return moments

    assert run_virtual(main) == [(YEAR * SECOND + 1) * n for n in range(1, 101)]


def test_the_wall_goes_with_the_clock() -> None:
    """The wall time is the start plus the elapsed time, in UTC."""
    start = dt.datetime(2024, 2, 28, 23, tzinfo=dt.timezone(dt.timedelta(hours=9)))

    async def main(clock: VirtualClock) -> dt.datetime:
        await clock.sleep(86_400.5)
        return clock.wall()

    assert run_virtual(main, start=start) == dt.datetime(2024, 2, 29, 14, 0, 0, 500_000, tzinfo=dt.UTC)


def test_a_naive_start_is_refused() -> None:
    """A wall time without a zone means nothing."""
    with pytest.raises(UsageError, match="aware"):
        VirtualClock(dt.datetime(2025, 1, 1))  # noqa: DTZ001 - the point of the test


def test_timers_fire_in_the_order_of_their_moments_then_of_their_setting() -> None:
    """The order of timers is fixed; what is due at once is due in a nanosecond."""

    async def main(clock: VirtualClock) -> list[str]:
        heard: list[str] = []
        for name, after in (("late", 3), ("b", 2), ("soon", 1), ("c", 2), ("at once", 0)):
            clock.call_later(after, functools.partial(heard.append, name))
        gone = clock.call_later(9, functools.partial(heard.append, "gone"))
        gone.cancel()
        gone.cancel()
        await clock.sleep(1)
        gone.cancel()
        return heard

    assert run_virtual(main) == ["soon", "at once", "b", "c", "late"]


def test_a_timer_called_off_in_its_own_moment_stays_silent() -> None:
    """Of two timers of one moment, the first can still cancel the second."""

    async def main(clock: VirtualClock) -> list[str]:
        heard: list[str] = []
        timers: list[Timer] = []

        def cancel_the_other() -> None:
            timers[0].cancel()

        clock.call_later(5, cancel_the_other)
        timers.append(clock.call_later(5, lambda: heard.append("second")))
        await clock.sleep(1)
        return heard

    assert run_virtual(main) == []


def test_asyncio_lives_on_the_same_time() -> None:
    """Timeouts, ``wait_for`` and ``loop.call_at`` use the virtual clock."""

    async def main(clock: VirtualClock) -> float:
        loop = asyncio.get_running_loop()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(600):
                await asyncio.Event().wait()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 300)
        assert clock.monotonic() == 900 * SECOND
        done = loop.create_future()
        loop.call_at(1000, done.set_result, None)
        await done
        return loop.time()

    assert run_virtual(main) == 1000.0


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=300))
def test_cancelled_timers_leave_no_trace(timers: list[tuple[int, bool]]) -> None:
    """Cancelled timers do not fire; the others fire once each, at their time."""

    async def main(clock: VirtualClock) -> list[int]:
        heard: list[int] = []
        handles = [clock.call_later(after, lambda: heard.append(clock.monotonic())) for after, _ in timers]
        for handle, (_, keep) in zip(handles, timers, strict=True):
            if not keep:
                handle.cancel()
        await clock.sleep(1)
        return heard

    assert run_virtual(main) == sorted(max(1, after) for after, keep in timers if keep)


def test_a_thousand_timeouts_that_never_fired_do_not_pile_up() -> None:
    """Cancelled timers are removed long before their time."""

    async def main(clock: VirtualClock) -> int:
        for _ in range(1000):
            async with asyncio.timeout(3600):
                await clock.sleep(0)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualEventLoop)
        return len(loop._timers._entries)

    assert run_virtual(main) < 200


def test_a_run_that_waits_for_nothing_says_so() -> None:
    """A deadlock is an error that names the waiting tasks, and never a hang."""

    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(DeadlockError, match="1 tasks wait"):
        run_virtual(main())


def test_a_deadlock_beside_a_silent_socket_is_found_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """An open socket is waited for only for a moment of real time."""
    monkeypatch.setattr("hourlyclicks.simulator.clock._PATIENCE", 0.01)

    async def main() -> None:
        async with Simulator():
            await asyncio.Event().wait()

    with pytest.raises(DeadlockError):
        run_virtual(main())


def test_spinning_takes_time() -> None:
    """A program that polls the clock without sleeping makes progress."""

    async def main(clock: VirtualClock) -> bool:
        asyncio.get_running_loop().call_later(0.000_5, lambda: None)
        while clock.monotonic() < 1_000_000:
            await clock.sleep(0)
        return True

    assert run_virtual(main)


def test_a_peer_outside_of_virtual_time_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing else to do, a peer outside of the virtual time is waited for briefly."""
    monkeypatch.setattr("hourlyclicks.simulator.clock._PATIENCE", 30)
    near, far = socket.socketpair()

    async def main() -> bytes:
        reader, writer = await asyncio.open_connection(sock=near)
        thread = threading.Timer(0.01, far.sendall, [b"hello"])
        thread.start()
        data = await reader.readexactly(5)
        thread.join()
        writer.close()
        await writer.wait_closed()
        return data

    with far:
        assert run_virtual(main()) == b"hello"


def test_time_stands_still_while_a_thread_works() -> None:
    """A thread is waited for in real time, and no timer overtakes it."""

    async def main(clock: VirtualClock) -> int:
        asyncio.get_running_loop().call_later(1, lambda: None)
        await asyncio.to_thread(time.sleep, 0.01)
        return clock.monotonic()

    assert run_virtual(main) == 0


def test_the_executor_is_shut_down_in_earnest() -> None:
    """A thread that outlives its waiter does not count as a deadlock."""

    async def main() -> None:
        waiter = asyncio.ensure_future(asyncio.to_thread(time.sleep, 0.01))
        await asyncio.sleep(0)
        waiter.cancel()

    run_virtual(main())


def test_a_clock_without_its_loop_sets_no_timer() -> None:
    """Outside of a run the time stands still, and no timer is due."""
    clock = VirtualClock()
    assert clock.monotonic() == 0
    assert repr(clock) == "<VirtualClock 2025-06-01T12:00:00+00:00>"
    with pytest.raises(UsageError, match="run_virtual"):
        clock.call_later(1, lambda: None)


def test_a_closed_loop_takes_no_timers() -> None:
    """A closed loop rejects timers like any other loop."""
    loop = VirtualEventLoop()
    loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        loop.call_later(1, lambda: None)


def test_sockets_work_on_virtual_time() -> None:
    """Both ends of a real socket can be in one virtual loop."""

    async def main(clock: VirtualClock) -> bytes:
        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await clock.sleep(YEAR)
            writer.write(b"x" * 20_000_000)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        data = await reader.read()
        writer.close()
        server.close()
        return data

    assert len(run_virtual(main)) == 20_000_000
