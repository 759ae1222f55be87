"""The state of the arbiter as text."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.coordination.arbiter import Arbiter
from hourlyclicks.coordination.process_queue import SlotRequest
from hourlyclicks.coordination.state import (
    ArbiterState,
    Claim,
    Process,
    QueueEntry,
    RunEntry,
    SentRequest,
)
from hourlyclicks.errors import StoreError
from hourlyclicks.pacing.breaker import BreakerState
from hourlyclicks.pacing.plans import Limits, Rate
from hourlyclicks.pacing.throttle import ThrottleState

MOMENTS = st.integers(0, 2**62)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
STATES = st.builds(
    ArbiterState,
    seen=MOMENTS,
    longest=MOMENTS,
    released=st.lists(MOMENTS).map(sorted),
    requests=st.dictionaries(
        NAMES, st.builds(SentRequest, MOMENTS, MOMENTS, MOMENTS, st.booleans(), MOMENTS), max_size=4
    ),
    claims=st.dictionaries(NAMES, st.builds(Claim, NAMES, MOMENTS), max_size=4),
    queue=st.dictionaries(
        NAMES, st.builds(QueueEntry, st.integers(0, 1), MOMENTS, NAMES, MOMENTS, MOMENTS), max_size=4
    ),
    served=st.dictionaries(NAMES, MOMENTS, max_size=4),
    pause=st.builds(BreakerState, MOMENTS, MOMENTS, st.booleans(), st.booleans()),
    throttle=st.none() | st.builds(ThrottleState, MOMENTS, st.integers(0, 12), MOMENTS, st.booleans()),
    even=MOMENTS,
    runs=st.dictionaries(
        NAMES,
        st.builds(
            RunEntry, NAMES, MOMENTS, NAMES, MOMENTS, MOMENTS, MOMENTS, MOMENTS, MOMENTS, st.booleans()
        ),
        max_size=4,
    ),
    processes=st.dictionaries(NAMES, st.builds(Process, NAMES, MOMENTS, MOMENTS), max_size=4),
    orphans=st.dictionaries(NAMES, MOMENTS, max_size=4),
    slowest=MOMENTS,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=3), parts, max_size=3),
    max_leaves=8,
)
FULL: dict[str, Any] = json.loads(
    ArbiterState(
        seen=5,
        longest=61,
        released=[1, 2],
        requests={"a.1": SentRequest(1, 41, 0, probe=False, previous_even=0)},
        claims={"monday": Claim("a", 41)},
        queue={"b": QueueEntry(0, 1, "", 3, 5)},
        served={"a": 1},
        throttle=ThrottleState(0, 0, 1, warned=False),
        runs={"a.1": RunEntry("db1", 4711, "nightly", 1, 5, 30, 41, 0, stop=False)},
        processes={"a": Process("m", 4711, 5)},
        orphans={"a.1": 7},
        slowest=3,
    ).write()
)

FIELDS = list(FULL)


def use(text: str) -> None:
    """Read a state and take a step with it."""
    limits = Limits(rates=(Rate(3),), concurrency=2)
    arbiter = Arbiter(limits, ArbiterState.read(text), now=10, lease=40)
    arbiter.reserve(SlotRequest("c", 1, 0, 1, 1, "", ("tuesday",)))
    arbiter.release("a.1", answered=True)
    ArbiterState.read(arbiter.close().write())


@given(STATES)
def test_a_state_is_read_as_it_was_written(state: ArbiterState) -> None:
    """The text of a state restores all of it."""
    assert ArbiterState.read(state.write()) == state


@given(STATES, MOMENTS)
def test_a_step_on_a_copy_leaves_the_state(state: ArbiterState, now: int) -> None:
    """A copy is equal, and whatever an arbiter does to it does not change the original."""
    text, copy = state.write(), state.copy()
    assert copy == state
    arbiter = Arbiter(Limits(rates=(Rate(3),)), copy, now=now, lease=40)
    arbiter.snapshot()
    arbiter.leave(next(iter(state.queue), ""))
    arbiter.reserve(SlotRequest("c", 1, 0, 1, 1, "", ("tuesday",)))
    arbiter.close()
    assert state.write() == text


def test_no_text_is_an_empty_state() -> None:
    """The first process begins a new one."""
    assert ArbiterState.read(None) == ArbiterState()


def test_the_state_that_is_damaged_below_works() -> None:
    """Undamaged, it can be used."""
    use(json.dumps(FULL))


@given(st.text(max_size=20) | JSON.map(json.dumps))
def test_other_text_is_an_error(text: str) -> None:
    """Any other text is a `StoreError`."""
    with pytest.raises(StoreError, match="cannot be read"):
        ArbiterState.read(text)


@pytest.mark.parametrize("name", FIELDS)
def test_a_state_with_a_part_missing_is_an_error(name: str) -> None:
    """Each part must be there, but those which older versions do not write."""
    newer = {"runs", "processes", "orphans", "slowest"}
    with contextlib.nullcontext() if name in newer else pytest.raises(StoreError):
        ArbiterState.read(json.dumps({field: FULL[field] for field in FIELDS if field != name}))


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("value", [None, "x", [None], {"a.1": "x"}, {"monday": ["a"]}, [1, "x"], {"b": None}])
def test_a_state_with_a_wrong_part_is_an_error_or_does_no_harm(name: str, value: object) -> None:
    """A part of another kind is a `StoreError` when it is read, and never any other error later."""
    with contextlib.suppress(StoreError):
        use(json.dumps(FULL | {name: value}))


def test_the_text_of_an_older_version_is_read_and_written_alike() -> None:
    """The names in the text have not changed, so that processes of two versions can share a limit."""
    text = (
        '{"seen":5,"longest":61,"released":[1,2],"flights":{"a.1":[1,41,0,false,0]},"claims":{"monday":["a",41]},'
        '"lines":{"b":[0,1,"",3,5]},"served":{"a":1},"pause":[0,0,false,false],"brake":[0,0,1,false],"even":0}'
    )
    assert ArbiterState.read(text).write() == text
