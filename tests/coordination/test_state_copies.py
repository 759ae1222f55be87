"""A store that is lost, replaced or cut off while the server still counts its requests."""

from __future__ import annotations

import os
import secrets
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, TypeVar

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks import Limits, Rate
from hourlyclicks.coordination.arbiter import Arbiter
from hourlyclicks.coordination.copy_files import folder_of_user
from hourlyclicks.coordination.process_queue import SlotRequest
from hourlyclicks.coordination.state import ArbiterState, LimitsHolder
from hourlyclicks.coordination.state_copies import CopiedStep, StateCopies
from hourlyclicks.pacing.breaker import BreakerState
from hourlyclicks.pacing.throttle import ThrottleState
from hourlyclicks.pacing.window import Slot
from tests.pacing.world import S

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hourlyclicks.store.ledger import LedgerEntry
    from hourlyclicks.store.protocol import Change

T = TypeVar("T")
LEASE = 40
_steps = count()
"""No two steps are taken in the same nanosecond."""

LIMITS = Limits(rates=(Rate(9),), concurrency=3, guard=0)


@attrs.define
class Store:
    """What a store keeps of the shared limit, and the clock of the machine."""

    text: str | None = None
    now: float = 0.0
    salt: bytes = attrs.field(factory=partial(secrets.token_bytes, 32))


@attrs.define
class Process:
    """A process that uses a store, and keeps copies in a folder."""

    name: str
    store: Store
    copies: StateCopies
    _numbers: count[int] = attrs.Factory(count)

    def take(self, step: Change[T], *, lost: bool = False) -> T:
        """Take a step in a transaction.

        Args:
            step: the step.
            lost: whether the transaction is undone.
        """
        copied = CopiedStep(self.copies, step)
        text, result = copied(self.store.text, round(self.store.now * S) + next(_steps), None)
        if text is not None:
            copied.write_copy(text)
        if text is not None and not lost:
            self.store.text = text
            self.copies.stored(text)
        return result

    def send(self, *, lost: bool = False) -> bool:
        """Request a slot, and give it back at once if there is one; return whether there was."""
        number = next(self._numbers)
        request = SlotRequest(self.name, number, 0, 1, 1, "", (f"{self.name} {number}",))

        def sent(arbiter: Arbiter) -> bool:
            got = arbiter.reserve(request)
            arbiter.release(request.name, answered=True)
            return isinstance(got, Slot)

        return self.take(_step(sent), lost=lost)


def _step(act: Callable[[Arbiter], T]) -> Change[T]:
    """Return a step of the arbiter."""

    def step(text: str | None, now: int, _: LedgerEntry | None) -> tuple[str | None, T]:
        arbiter = Arbiter(LIMITS, ArbiterState.read(text), now=now, lease=LEASE * S)
        result = act(arbiter)
        state = arbiter.close()
        return state.write() if arbiter.changed else None, result

    return step


def _read(text: str | None, _: int, entry: LedgerEntry | None) -> tuple[None, ArbiterState]:
    """Return the state, as a step that changes nothing."""
    del entry
    return None, ArbiterState.read(text)


def process(name: str, store: Store, *, of: str = "state") -> Process:
    """Start a process.

    Args:
        name: its name.
        store: its store.
        of: the name of the state.
    """
    copies = StateCopies(of, LIMITS, lease=LEASE * S)
    copies.salt = store.salt
    return Process(name, store, copies)


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the test have a folder for temporary files of its own."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def test_a_new_store_goes_on_from_the_copy_of_the_lost_one() -> None:
    """The next process begins when the window of the last one is over, not at once."""
    store = Store(now=100.0)
    first = process("a", store)
    assert [first.send() for _ in range(10)] == [True] * 9 + [False]
    second = process("b", Store(now=110.0))
    assert not second.send()
    second.store.now = 159.9
    assert not second.send()
    second.store.now = 160.1
    assert second.send()


@given(
    sent=st.lists(st.floats(0, 70), max_size=12),
    later=st.lists(st.floats(0, 140), min_size=1, max_size=30),
)
def test_no_window_has_more_than_the_limit_allows(sent: list[float], later: list[float]) -> None:
    """Whenever the store is lost, and however often the next processes ask."""
    of = secrets.token_hex(8)
    first, arrivals = process("a", Store(), of=of), list[float]()
    for moment in sorted(sent):
        first.store.now = moment
        if first.send():
            arrivals.append(moment)
    second = process("b", Store(), of=of)
    for moment in sorted(70 + more for more in later):
        second.store.now = moment
        if second.send():
            arrivals.append(moment)
    for first_of in arrivals:
        assert sum(first_of <= moment < first_of + 60 for moment in arrivals) <= 9


def test_a_store_that_knows_more_is_not_changed() -> None:
    """As long as the store is there, the copies cost no request: it knows what they know."""
    store = Store(now=100.0)
    first = process("a", store)
    assert first.send()
    before = store.text
    second = process("b", store)
    assert second.take(_read) == ArbiterState.read(before)
    assert [second.send() for _ in range(9)] == [True] * 8 + [False]


def test_an_older_copy_that_was_restored_counts_what_was_sent_since() -> None:
    """A backup of the store knows the requests before it only."""
    store = Store(now=100.0)
    first = process("a", store)
    assert all(first.send() for _ in range(4))
    backup = store.text
    store.now = 101.0
    assert all(first.send() for _ in range(5))
    second = process("b", attrs.evolve(store, text=backup, now=110.0))
    assert not second.send()


def test_what_no_step_has_stored_is_begun_with_again() -> None:
    """A step whose transaction is undone, and one that changes nothing, do not end it."""
    first = process("a", Store(now=100.0))
    assert all(first.send() for _ in range(9))
    second = process("b", Store(now=159.0))
    second.take(_read, lost=True)
    second.store.now = 160.1
    assert second.send(lost=True)
    assert second.store.text is None
    assert [second.send() for _ in range(10)] == [True] * 9 + [False]


def test_claims_and_runs_are_not_taken_from_a_copy() -> None:
    """They were those of the lost store, and no process would end them."""
    first = process("a", Store(now=100.0))
    assert first.send()
    second = process("b", Store(now=101.0))
    state = second.take(_read)
    assert (len(state.released), state.claims, state.queue, state.runs) == (1, {}, {}, {})
    assert "a" not in state.served


def test_limits_that_were_in_memory_are_taken_for_used_up() -> None:
    """The copy does not say what their holder has sent since."""
    first = process("a", Store(now=100.0))
    held = attrs.evolve(ArbiterState(), seen=100 * S, limits_holder=LimitsHolder("a", 1)).write()
    first.take(lambda *_: (held, None))
    second = process("b", Store(now=130.0))
    assert not second.send()
    second.store.now = 189.9
    assert not second.send()
    second.store.now = 190.1
    assert second.send()


def test_a_holder_that_is_still_there_stays_the_holder() -> None:
    """Its copy is later than the store after a transaction that was undone, too."""
    store, holder = Store(now=100.0), LimitsHolder("a", 1)
    first = process("a", store)
    held = attrs.evolve(ArbiterState(), seen=100 * S, limits_holder=holder)
    first.take(lambda *_: (held.write(), None))
    first.take(lambda *_: (attrs.evolve(held, seen=101 * S).write(), None), lost=True)
    store.now = 102.0
    assert process("b", store).take(_read).limits_holder == holder


def test_a_backup_from_while_the_limits_were_in_memory_does_not_say_what_was_sent() -> None:
    """Its holder may have sent as much as a window allows since it wrote the copy."""
    store, holder = Store(now=100.0), LimitsHolder("a", 1)
    first = process("a", store)
    held = attrs.evolve(ArbiterState(), seen=100 * S, limits_holder=holder)
    first.take(lambda *_: (held.write(), None))
    backup = attrs.evolve(store)
    store.now = 110.0
    first.take(lambda *_: (attrs.evolve(held, seen=110 * S).write(), None))
    backup.now = 130.0
    second = process("b", backup)
    second.take(_step(lambda arbiter: arbiter.expire_holder(115 * S, holder)))
    assert not second.send()
    backup.now = 189.9
    assert not second.send()
    backup.now = 190.1
    assert second.send()


def test_the_worst_is_assumed_once() -> None:
    """The first process stores it, even if it only looks; the next need not wait as long again."""
    first = process("a", Store(now=100.0))
    held = attrs.evolve(ArbiterState(), seen=100 * S, limits_holder=LimitsHolder("a", 1)).write()
    first.take(lambda *_: (held, None))
    store = Store(now=130.0)
    for moment in (130.0, 150.0, 170.0):
        store.now = moment
        process("b", store).take(_read)
    store.now = 190.1
    assert process("c", store).send()


def test_a_copy_from_before_the_machine_was_started_is_not_used() -> None:
    """The clock begins anew then, so that its moments are yet to come."""
    first = process("a", Store(now=1000.0))
    assert all(first.send() for _ in range(9))
    assert process("b", Store(now=10.0)).send()


def test_a_store_that_is_restored_under_a_process_is_noticed() -> None:
    """As by the backup API of SQLite: what was sent since then still counts."""
    store = Store(now=100.0)
    first, second = process("a", store), process("b", store)
    assert first.send()
    backup = store.text
    assert all(second.send() for _ in range(4))
    assert all(first.send() for _ in range(4))
    store.text, store.now = backup, 110.0
    assert not first.send()


def test_an_own_request_before_a_restored_backup_counts() -> None:
    """Also if the process has seen nothing later than that in the store."""
    store = Store(now=100.0)
    first = process("a", store)
    assert first.send()
    backup = store.text
    assert all(first.send() for _ in range(8))
    store.text, store.now = backup, 110.0
    assert not first.send()


def test_another_store_that_is_put_there_knows_nothing_of_the_lost_one() -> None:
    """Also if it was used elsewhere, and later."""
    first = process("a", Store(now=100.0))
    assert all(first.send() for _ in range(5))
    other = Store(now=101.0)
    elsewhere = process("b", other, of="elsewhere")
    assert all(elsewhere.send() for _ in range(4))
    other.now = 110.0
    assert not process("c", other).send()


def test_copies_stay_where_no_further_one_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a full disk."""
    first = process("a", Store(now=100.0))
    assert first.send()
    before, store = _copies(), Store(now=101.0)
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda _descriptor, line: len(line) - 1)
        assert process("b", store).send()
    assert before <= _copies()


def test_each_process_keeps_two_copies() -> None:
    """Those of processes before it are deleted once its own have all that they had."""
    store = Store(now=100.0)
    for name in "abcdefgh":
        one = process(name, store)
        one.send()
        store.now += 70.0
        one.send()
        assert len(_copies()) == 2
        store.now += 70.0


def test_what_429_answers_and_responses_have_taught_is_kept() -> None:
    """A pause that the server asked for holds for the next store as well."""
    first = process("a", Store(now=100.0))
    learned = attrs.evolve(
        ArbiterState(),
        seen=100 * S,
        slowest=S,
        pause=BreakerState(epoch=1, until=150 * S, held=True),
        throttle=ThrottleState(pauses=2, step=1, answers=0, warned=True),
    )
    first.take(lambda *_: (learned.write(), None))
    second = process("b", Store(now=110.0))
    assert not second.send()
    found = ArbiterState.read(second.store.text)
    assert (found.pause, found.throttle, found.slowest) == (learned.pause, learned.throttle, S)


def test_a_request_that_is_over_in_a_later_copy_is_over() -> None:
    """Of the processes that used one store, the one that wrote last knows what the others did."""
    store = Store(now=100.0)
    first, second = process("a", store), process("b", store)
    request = SlotRequest("a", 1, 0, 1, 1, "", ("day",))
    first.take(_step(lambda arbiter: arbiter.reserve(request)))
    store.now = 101.0
    second.take(_step(lambda arbiter: arbiter.release(request.name, answered=True)))
    state = process("c", Store(now=102.0)).take(_read)
    assert (state.requests, [moment // S for moment in state.released]) == ({}, [101])


def test_requests_that_two_lost_stores_had_are_counted() -> None:
    """The second was made after the first was lost, and knows its requests."""
    first, second = process("a", Store(now=100.0)), process("b", Store(now=110.0))
    assert all(first.send() for _ in range(4))
    assert all(second.send() for _ in range(5))
    third = process("c", Store(now=159.9))
    assert not third.send()
    third.store.now = 160.1
    assert [third.send() for _ in range(5)] == [True] * 4 + [False]


def test_a_copy_of_an_hour_ago_is_deleted() -> None:
    """What it had is not counted any more, whatever the clock of the limiter says."""
    first = process("a", Store(now=100.0))
    assert all(first.send() for _ in range(9))
    copies = _copies()
    assert copies
    for path in copies:
        os.utime(path, (1e9, 1e9))
    assert process("b", Store(now=110.0)).send()
    assert not copies & _copies()


def test_without_a_folder_there_are_no_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is kept as ever: the store has it."""
    monkeypatch.setenv("TMPDIR", "/nowhere/at/all")
    alone = process("a", Store(now=1.0))
    assert [alone.send() for _ in range(10)] == [True] * 9 + [False]


def _copies() -> set[Path]:
    above = folder_of_user()
    assert above is not None
    return set(above.glob("*/*"))
