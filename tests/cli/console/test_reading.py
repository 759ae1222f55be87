"""A stream is read to its end, and a signal ends the wait for it at any moment."""

from __future__ import annotations

import io
import os
import platform
import signal
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from hourlyclicks.cli.console.reading import read_to_end

if TYPE_CHECKING:
    from collections.abc import Iterator

MUCH = b"https://vvd.bz/kYdr\n" * 20_000
PATIENCE = 20.0
_OTHER_CALLS = {"running", "202" if platform.machine() == "x86_64" else "98"}
"""What Linux shows of a thread that runs, or waits for a lock."""


class CalledError(Exception):
    """What the handler of a signal raises."""


@pytest.fixture
def pipe() -> Iterator[tuple[io.BufferedReader, io.BufferedWriter]]:
    """Make a pipe."""
    source, sink = os.pipe()
    with open(source, "rb") as reader, open(sink, "wb") as writer:  # noqa: PTH123 - descriptors
        yield reader, writer


def in_thread(work: Any) -> threading.Thread:  # noqa: ANN401 - any function
    """Let a thread do something."""
    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.parametrize("main", [True, False])
def test_all_of_a_pipe_is_read(pipe: tuple[io.BufferedReader, io.BufferedWriter], *, main: bool) -> None:
    """Much more than it holds at a time, also by a thread that gets no signals."""
    reader, writer = pipe
    found: list[bytes] = []

    def write() -> None:
        with writer:
            writer.write(MUCH)

    def read() -> None:
        found.append(read_to_end(reader))

    first, second = (write, read) if main else (read, write)
    thread = in_thread(first)
    second()
    thread.join()
    assert found == [MUCH]


def test_all_of_a_file_and_of_the_memory_is_read(tmp_path: Path) -> None:
    """Neither has an end that is long in coming."""
    path = tmp_path / "targets.csv"
    path.write_bytes(MUCH)
    with path.open("rb") as stream:
        assert read_to_end(stream) == MUCH
    assert read_to_end(cast("io.BufferedReader", io.BytesIO(MUCH))) == MUCH


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux tells that a thread sleeps")
def test_a_signal_that_interrupts_no_call_ends_it(pipe: tuple[io.BufferedReader, io.BufferedWriter]) -> None:
    """As one that comes right before the call: here another thread gets it while the main thread waits."""
    reader, writer = pipe
    main, ended = threading.get_native_id(), threading.Event()
    too_late: list[bool] = []

    def send() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])
        while not _sleeps(main):
            pass
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
        too_late.append(not ended.wait(PATIENCE))
        writer.close()

    def called(*_: object) -> None:
        raise CalledError

    before = signal.signal(signal.SIGUSR1, called)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    wakeup = signal.set_wakeup_fd(-1)
    try:
        thread = in_thread(send)
        with pytest.raises(CalledError):
            read_to_end(reader)
    finally:
        ended.set()
        thread.join()
        left = signal.set_wakeup_fd(wakeup)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGUSR1, before)
    assert (too_late, left) == ([False], -1)


def _sleeps(thread: int) -> bool:
    """Return whether a thread waits in the kernel, as far as is known for another thing than a lock."""
    state = Path(f"/proc/self/task/{thread}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    with suppress(OSError):  # not every container shows it
        return Path(f"/proc/self/task/{thread}/syscall").read_text("ascii").split()[0] not in _OTHER_CALLS
    return state == "S"
