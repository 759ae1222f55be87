"""The limits on their way into the memory of a holder and back, and what a lost holder may have sent."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourlyclicks.coordination.arbiter import Arbiter
from hourlyclicks.coordination.handover import LimiterState, Takeover, save, take_over
from hourlyclicks.coordination.process_queue import SlotRequest
from hourlyclicks.coordination.state import ArbiterState, LimitsHolder
from hourlyclicks.pacing.plans import Limits, Rate
from hourlyclicks.pacing.throttle import AdaptiveThrottle
from hourlyclicks.pacing.window import Slot
from tests.coordination.steps import LEASE
from tests.pacing.world import S
from tests.sizes import examples

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks.pacing.plans import Spacing

WINDOW = 10
LIMITS = st.builds(
    lambda most, concurrency, spacing: Limits(
        rates=(Rate(most, float(WINDOW)),), concurrency=concurrency, guard=0.0, spacing=spacing
    ),
    st.integers(1, 5),
    st.integers(1, 3),
    st.sampled_from(["window", "even"]),
)


@attrs.define
class Rig:
    """One account: its state in the store, its server, and the processes that use it at a time.

    Attributes:
        now: the moment on the clock of the store, in nanoseconds.
        ahead: by how much the clock of the processes is behind it.
        flying: the requests in flight; each arrives with its answer at the latest.
        lost: until when each request of a lost holder may arrive.
        ended: when the last lease ended.
        arrivals: when requests arrived at the server.
    """

    limits: Limits
    ahead: int
    now: int = 1000 * S
    text: str | None = None
    throttle: AdaptiveThrottle | None = None
    token: int = 0
    numbers: int = 0
    flying: list[Slot] = attrs.Factory(list)
    lost: list[int] = attrs.Factory(list)
    ended: int = 1000 * S
    arrivals: list[int] = attrs.Factory(list)

    @property
    def here(self) -> int:
        """The moment on the clock of the processes."""
        return self.now - self.ahead

    @property
    def holder(self) -> LimitsHolder:
        """The holder of the holder at present."""
        return LimitsHolder(f"h{self.token}", self.token)

    @property
    def has_memory(self) -> bool:
        """Whether the limits are in the memory of a holder."""
        return self.throttle is not None

    def take(self, ended: int) -> None:
        """Let the next holder take the limits over, if no other process shares them."""
        self.token += 1
        takeover = Takeover(self.holder, ended)
        text, memory = take_over(self.text, self.now, takeover, self.limits, lease=LEASE * S, gone=())
        self.text = text if text is not None else self.text
        moved = None if memory is None else memory.shifted(-self.ahead)
        self.throttle = None if moved is None else moved.throttle_of(self.limits)

    def move(self, name: str) -> None:
        """Do one thing; without a holder that has the limits in memory, a new one tries to take them."""
        if name == "send" and self.throttle is None:
            self.take(self.ended)
            name = "send" if self.has_memory else "plain"
        moves: dict[str, Callable[[], object]] = {
            "send": self.send,
            "answer": self.answer,
            "early": partial(self.answer, early=True),
            "arrive": self.arrive,
            "abandon": self.abandon,
            "down": partial(self.write, keep=True),
            "share": partial(self.write, keep=False),
            "lose": self.lose,
            "plain": self.share,
        }
        moves[name]()

    def send(self) -> bool:
        """Let the holder send a request, if its memory allows it; return whether it does."""
        if self.throttle is None:
            return False
        got = self.throttle.reserve(self.here)
        if not isinstance(got, Slot):
            return False
        self.flying.append(got)
        return True

    def answer(self, *, early: bool = False) -> None:
        """Let the answer of the first request in flight come; `early`: it arrived when it was sent."""
        if self.flying and self.throttle is not None:
            slot = self.flying.pop(0)
            self.arrivals.append(slot.sent + self.ahead if early else self.now)
            self.throttle.window.release(slot, self.here)

    def abandon(self) -> None:
        """Let the holder give up a request, which may arrive for a while."""
        if self.flying and self.throttle is not None:
            slot = self.flying.pop(0)
            self.lost.append(self.now + 3 * S)
            self.throttle.window.abandon(slot, self.here, self.here + 3 * S)

    def write(self, *, keep: bool) -> None:
        """Write the memory down, or share it."""
        if self.throttle is None or (self.flying and not keep):
            return
        memory = LimiterState.of(self.throttle, self.here, S // 10).shifted(self.ahead)
        text, _ = save(self.text, self.now, self.holder, memory, lease=LEASE * S, keep=keep)
        assert text is not None
        self.text = text
        if not keep:
            self.throttle = None

    def lose(self) -> None:
        """Let the lease of the holder expire: it sends nothing more."""
        if self.throttle is not None:
            self.ended = self.now
        self.throttle = None
        self.lost += [slot.sent + self.ahead + LEASE * S for slot in self.flying]
        self.flying.clear()

    def arrive(self) -> None:
        """Let a request arrive whose answer no process waits for, if it still can."""
        if self.lost and self.lost.pop(0) >= self.now:
            self.arrivals.append(self.now)

    def share(self) -> None:
        """Let a client without a lease send a request by the shared state, if that allows it."""
        state = ArbiterState.read(self.text)
        arbiter = Arbiter(self.limits, state, now=self.now, lease=LEASE * S)
        if self.throttle is None:
            arbiter.expire_holder(self.ended, arbiter.limits_holder)
        self.numbers += 1
        name = f"plain.{self.numbers}"
        request = SlotRequest("plain", self.numbers, 0, 1, 1, "", (f"day {self.numbers}",))
        got: Any = arbiter.reserve(request)
        if isinstance(got, Slot):
            assert self.throttle is None
            self.arrivals.append(self.now)
            arbiter.release(name, answered=True)
            arbiter.settle(request.days[0], "plain")
        arbiter.leave("plain")
        state = arbiter.close()
        if arbiter.changed:
            self.text = state.write()

    def check(self) -> None:
        """Assert that no window has more arrivals than the rate allows."""
        (rate,) = self.limits.rates
        times = sorted(self.arrivals)
        for first, last in zip(times, times[rate.requests :], strict=False):
            assert last - first >= WINDOW * S


MOVES = st.lists(
    st.tuples(
        st.sampled_from(
            ["send", "send", "send", "answer", "early", "arrive", "abandon", "down", "share", "lose", "plain"]
        ),
        st.sampled_from([0, 0, 0, S // 3, 2 * S, WINDOW * S, 45 * S]),
    ),
    max_size=60,
)


@settings(max_examples=examples(1_000))
@given(LIMITS, st.integers(-(10**15), 10**15), MOVES)
def test_no_window_is_ever_exceeded(limits: Limits, ahead: int, moves: list[tuple[str, int]]) -> None:
    """However holders come and go, die and share, with clocks apart, each window keeps its limit."""
    rig = Rig(limits, ahead)
    rig.take(rig.ended)
    for move, passing in moves:
        rig.now += passing
        rig.move(move)
        rig.check()


@settings(max_examples=examples(100))
@given(LIMITS, st.integers(-(10**15), 10**15), st.integers(0, 8), st.integers(0, 3 * S))
def test_memory_goes_on_where_the_state_was(limits: Limits, ahead: int, sent: int, pause: int) -> None:
    """After a hand-over to the state and back, the next request may go at the same moment as without."""
    rig, other = Rig(limits, ahead), Rig(limits, ahead)
    for each in (rig, other):
        each.take(each.now)
        for _ in range(sent):
            each.now += pause
            each.send()
            each.answer()
    rig.write(keep=False)
    rig.take(rig.now)
    assert rig.throttle is not None
    assert other.throttle is not None
    assert rig.throttle.window.holds(rig.here) == other.throttle.window.holds(other.here)


def test_a_repeated_hand_over_changes_nothing() -> None:
    """A step whose result was lost on the way is taken again."""
    rig = Rig(Limits(rates=(Rate(3, 10.0),), concurrency=1, guard=0.0), 0)
    rig.take(rig.now)
    assert rig.throttle is not None
    memory = LimiterState.of(rig.throttle, rig.here, 0)
    text, _ = save(rig.text, rig.now, rig.holder, memory, lease=LEASE * S, keep=False)
    assert text is not None
    assert save(text, rig.now, rig.holder, memory, lease=LEASE * S, keep=False) == (None, False)


def test_a_state_in_memory_cannot_be_read_by_older_versions() -> None:
    """These look for a key that is not there, and stop with an error instead of sending."""
    rig = Rig(Limits(rates=(Rate(3, 10.0),)), 0)
    rig.take(rig.now)
    assert rig.text is not None
    assert '"seen":' not in rig.text
    assert ArbiterState.read(rig.text).limits_holder == rig.holder
    rig.write(keep=False)
    assert '"seen":' in rig.text


def test_nothing_is_taken_from_others() -> None:
    """While another process has a request in flight, waits or has a claim, the limits stay shared."""
    rig = Rig(Limits(rates=(Rate(3, 10.0),), concurrency=2, guard=0.0), 0)
    state = ArbiterState()
    arbiter = Arbiter(rig.limits, state, now=rig.now, lease=LEASE * S)
    assert isinstance(arbiter.reserve(SlotRequest("other", 1, 0, 1, 1, "", ("a day",))), Slot)
    rig.text = arbiter.close().write()
    rig.take(rig.now)
    assert rig.throttle is None
    arbiter = Arbiter(rig.limits, ArbiterState.read(rig.text), now=rig.now, lease=LEASE * S)
    arbiter.release("other.1", answered=True)
    rig.text = arbiter.close().write()
    rig.take(rig.now)
    assert rig.throttle is None  # the claim is left
    arbiter = Arbiter(rig.limits, ArbiterState.read(rig.text), now=rig.now, lease=LEASE * S)
    arbiter.settle("a day", "other")
    rig.text = arbiter.close().write()
    rig.take(rig.now)
    assert rig.throttle is not None


@pytest.mark.parametrize("spacing", ["window", "even"])
def test_what_a_lost_holder_may_have_sent(spacing: Spacing) -> None:
    """Its windows are full when its lease ends, its concurrency is used, and its spacing begins then."""
    limits = Limits(rates=(Rate(2, 10.0), Rate(4, 60.0)), concurrency=3, guard=0.0, spacing=spacing)
    rig = Rig(limits, 0)
    rig.take(rig.now)
    ended = rig.now + 30 * S
    arbiter = Arbiter(limits, ArbiterState.read(rig.text), now=ended + S, lease=LEASE * S)
    arbiter.expire_holder(ended, LimitsHolder("another", 7))
    assert arbiter.limits_holder == rig.holder
    arbiter.expire_holder(ended, rig.holder)
    state = arbiter.close()
    assert state.limits_holder is None
    assert state.released == [ended] * 4
    assert [request.expires for request in state.requests.values()] == [ended + LEASE * S] * 3
    assert state.orphans.keys() == state.requests.keys()
    assert (state.even > ended) == (spacing == "even")
    text = state.write()
    assert ArbiterState.read(text) == state


@pytest.mark.parametrize("late", [12, 30, 39])
def test_a_request_of_a_lost_holder_that_arrives_late(late: int) -> None:
    """It takes its place in the window for as long as it may arrive."""
    limits = Limits(rates=(Rate(2, 10.0),), concurrency=1, guard=0.0)
    rig = Rig(limits, 0)
    rig.take(rig.now)
    assert rig.send()
    rig.write(keep=True)
    rig.lose()
    rig.now += (late - 1) * S
    for _ in range(3):
        rig.share()
    rig.now += S
    rig.arrive()
    rig.now += S
    rig.share()
    assert len(rig.arrivals) == 2
    rig.check()
