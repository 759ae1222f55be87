"""Changes that come together are made in one transaction."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.store.group_commit import GroupCommit

if TYPE_CHECKING:
    from collections.abc import Sequence


class Log:
    """Makes changes, and remembers which of them shared a transaction; a negative one cannot be made."""

    def __init__(self) -> None:
        self.transactions: list[list[int]] = []
        self.group: GroupCommit[int] = GroupCommit(self.commit)

    async def commit(self, changes: Sequence[int]) -> list[int]:
        """Make changes in one transaction."""
        await asyncio.sleep(0)
        if min(changes) < 0:
            raise ValueError(min(changes))
        self.transactions.append(list(changes))
        return [10 * change for change in changes]


async def test_changes_of_one_moment_share_a_transaction() -> None:
    """Each caller gets the result of its own."""
    log = Log()
    assert await asyncio.gather(*map(log.group.make, range(5))) == [0, 10, 20, 30, 40]
    assert log.transactions == [[0, 1, 2, 3, 4]]


async def test_changes_that_come_meanwhile_share_the_next_one() -> None:
    """None of them waits for more than the transaction under way."""
    log = Log()

    async def two_in_a_row(change: int) -> None:
        await log.group.make(change)
        await log.group.make(change + 1)

    await asyncio.gather(two_in_a_row(1), two_in_a_row(5))
    assert log.transactions == [[1, 5], [2, 6]]


async def test_a_change_that_fails_fails_alone() -> None:
    """The others of its transaction are made, each in one of its own."""
    log = Log()
    results = await asyncio.gather(*map(log.group.make, (1, -2, 3)), return_exceptions=True)
    assert (results[0], str(results[1]), results[2]) == (10, "-2", 30)
    assert log.transactions == [[1], [3]]
    with pytest.raises(ValueError, match="-7"):
        await log.group.make(-7)


async def test_a_cancelled_caller_undoes_nothing() -> None:
    """Its change is made all the same, and can be waited for."""
    log = Log()
    task = asyncio.create_task(log.group.make(1))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await log.group.drain()
    await log.group.drain()
    assert log.transactions == [[1]]


async def test_a_transaction_does_not_grow_without_end() -> None:
    """More than a hundred changes take several."""
    log = Log()
    await asyncio.gather(*map(log.group.make, range(250)))
    assert [len(each) for each in log.transactions] == [100, 100, 50]


def test_each_event_loop_has_changes_of_its_own() -> None:
    """A loop that ended in the middle does not hold up another one."""
    log = Log()

    async def begin() -> None:
        asyncio.ensure_future(log.group.make(1))  # noqa: RUF006 - the loop ends before it does
        await asyncio.sleep(0)

    asyncio.run(begin())

    async def go_on() -> int:
        number: int = await log.group.make(2)
        return number

    assert asyncio.run(go_on()) == 20
    assert log.transactions[-1] == [2]


async def test_a_commit_that_is_cancelled_leaves_no_caller_waiting() -> None:
    """As when a program cancels all tasks and goes on; changes that have come since then are made."""
    begun = asyncio.Event()

    async def commit(changes: Sequence[int]) -> Sequence[int]:
        if 1 in changes:
            begun.set()
            await asyncio.Event().wait()
        return changes

    group = GroupCommit(commit)
    callers = [asyncio.ensure_future(group.make(1))]
    await begun.wait()
    callers.append(asyncio.ensure_future(group.make(2)))
    await asyncio.sleep(0)
    (state,) = group._groups.values()
    assert state.task is not None
    state.task.cancel()
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1] == 2
    assert await group.make(3) == 3
