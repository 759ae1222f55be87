import asyncio
import threading
from collections.abc import AsyncGenerator, Callable

import pytest

from hourlyclicks import StoreError, UsageError, forks
from hourlyclicks.scanning.pull import Pull

Numbers = AsyncGenerator[int, None]


class Source:
    """A generator of three numbers that tells whether it was closed.

    Args:
        ending: what happens after the third one.
    """

    def __init__(self, ending: Callable[[], object] = lambda: None) -> None:
        self.pulled = 0
        self.closed = threading.Event()
        self.waiting = threading.Event()
        self._ending = ending

    async def numbers(self) -> Numbers:
        """Yield the numbers."""
        try:
            for number in range(3):
                self.pulled += 1
                yield number
            self._ending()
        finally:
            await asyncio.sleep(0)  # closing may take more than one step
            self.closed.set()

    async def none(self) -> Numbers:
        """Wait for a number that never comes."""
        try:
            self.waiting.set()
            await asyncio.Event().wait()
            yield 0
        finally:
            self.closed.set()


def fail() -> None:
    """Raise an error."""
    raise StoreError("the file is gone")


def threads() -> list[str]:
    """Return the names of the threads of pulls."""
    return [thread.name for thread in threading.enumerate() if thread.name == "pulled"]


def test_items_come_one_at_a_time() -> None:
    """Nothing is read ahead, the end is an empty list, also when it is asked for again."""
    source = Source()
    pull = Pull(source.numbers, "pulled")
    for number in range(3):
        assert pull.next() == [number]
        assert source.pulled == number + 1
    assert (pull.next(), pull.next()) == ([], [])
    pull.close()
    assert (source.closed.is_set(), threads()) == (True, [])


def test_each_item_may_be_pulled_by_another_thread() -> None:
    """The consumer is any thread, also one that runs an event loop."""
    pull, found = Pull(Source().numbers, "pulled"), list[list[int]]()
    for _ in range(2):
        thread = threading.Thread(target=lambda: found.append(pull.next()))
        thread.start()
        thread.join()

    async def in_a_loop() -> None:
        found.append(pull.next())

    asyncio.run(in_a_loop())
    assert found == [[0], [1], [2]]
    pull.close()


def test_an_error_is_raised_where_the_item_is_pulled() -> None:
    """The error is that of the generator, and the items before it are delivered."""
    source = Source(fail)
    pull = Pull(source.numbers, "pulled")
    assert [pull.next() for _ in range(3)] == [[0], [1], [2]]
    with pytest.raises(StoreError, match="the file is gone"):
        pull.next()
    pull.close()
    assert (source.closed.is_set(), threads()) == (True, [])


@pytest.mark.parametrize("items", range(3))
def test_a_pull_left_half_way_ends(items: int) -> None:
    """Closing closes the generator, if it has begun, and ends the thread; then nothing can be pulled."""
    source = Source()
    pull = Pull(source.numbers, "pulled")
    for _ in range(items):
        pull.next()
    pull.close()
    pull.close()
    assert (source.closed.is_set(), threads()) == (items > 0, [])
    with pytest.raises(UsageError, match="the scan is closed"):
        pull.next()


def test_closing_cancels_the_item_that_is_waited_for() -> None:
    """A thread that waits for an item gets an error when another one closes the pull."""
    source, errors = Source(), list[str]()
    pull = Pull(source.none, "pulled")

    def wait() -> None:
        with pytest.raises(UsageError) as caught:
            pull.next()
        errors.append(str(caught.value))

    thread = threading.Thread(target=wait)
    thread.start()
    assert source.waiting.wait(10)
    pull.close()
    thread.join(10)
    assert errors == ["the scan is closed"]
    assert (source.closed.is_set(), threads()) == (True, [])


def test_the_thread_itself_can_close_it() -> None:
    """Closing it in its own thread, where the garbage collector may do that, does not wait for the thread."""
    pulls: list[Pull[int]] = []
    source = Source(lambda: pulls[0].close())  # noqa: PLW0108 - there is no pull yet
    pulls.append(Pull(source.numbers, "pulled"))
    assert [pulls[0].next() for _ in range(3)] == [[0], [1], [2]]
    with pytest.raises(UsageError, match="the scan is closed"):
        pulls[0].next()
    pulls[0].close()
    assert threads() == []


def test_a_forked_child_does_not_use_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child has no such thread: it can neither pull nor close."""
    source = Source()
    pull = Pull(source.numbers, "pulled")
    with monkeypatch.context() as patch:
        patch.setattr(forks, "_generation", forks.generation() + 1)
        with pytest.raises(UsageError, match="before this process was forked"):
            pull.next()
        pull.close()
    assert pull.next() == [0]
    pull.close()
    assert threads() == []


def test_a_thread_that_cannot_start_is_a_store_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is typed, and nothing is left open."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(StoreError, match="no thread can be started"):
        Pull(Source().numbers, "pulled")
