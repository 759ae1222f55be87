"""The pace as text."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.errors import StoreError
from hourlyclicks.pacing.book import Book, Claim, Flight, Held, Line
from hourlyclicks.pacing.brake import Memory
from hourlyclicks.pacing.plans import Limits, Rate
from hourlyclicks.pacing.turnstile import Applicant, Turnstile

MOMENTS = st.integers(0, 2**62)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
BOOKS = st.builds(
    Book,
    seen=MOMENTS,
    longest=MOMENTS,
    released=st.lists(MOMENTS).map(sorted),
    flights=st.dictionaries(
        NAMES, st.builds(Flight, MOMENTS, MOMENTS, MOMENTS, st.booleans(), MOMENTS), max_size=4
    ),
    claims=st.dictionaries(NAMES, st.builds(Claim, NAMES, MOMENTS), max_size=4),
    lines=st.dictionaries(
        NAMES, st.builds(Line, st.integers(0, 1), MOMENTS, NAMES, MOMENTS, MOMENTS), max_size=4
    ),
    served=st.dictionaries(NAMES, MOMENTS, max_size=4),
    pause=st.builds(Held, MOMENTS, MOMENTS, st.booleans(), st.booleans()),
    brake=st.none() | st.builds(Memory, MOMENTS, st.integers(0, 12), MOMENTS, st.booleans()),
    even=MOMENTS,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=3), parts, max_size=3),
    max_leaves=8,
)
FIELDS = [field.name for field in attrs.fields(Book)]
FULL: dict[str, Any] = json.loads(
    Book(
        seen=5,
        longest=61,
        released=[1, 2],
        flights={"a.1": Flight(1, 41, 0, probe=False, previous_even=0)},
        claims={"monday": Claim("a", 41)},
        lines={"b": Line(0, 1, "", 3, 5)},
        served={"a": 1},
        brake=Memory(0, 0, 1, warned=False),
    ).write()
)


def use(text: str) -> None:
    """Read a book and take a step with it."""
    limits = Limits(rates=(Rate(3),), concurrency=2)
    stile = Turnstile(limits, Book.read(text), now=10, lease=40)
    stile.reserve(Applicant("c", 1, 0, 1, 1, "", "tuesday"))
    stile.release("a.1", answered=True)
    Book.read(stile.close().write())


@given(BOOKS)
def test_a_book_is_read_as_it_was_written(book: Book) -> None:
    """Whatever is in a book, its text brings back all of it."""
    assert Book.read(book.write()) == book


def test_no_text_is_an_empty_book() -> None:
    """Who comes first begins a new one."""
    assert Book.read(None) == Book()


def test_the_book_that_is_spoilt_below_works() -> None:
    """Without anything wrong in it, it can be used."""
    use(json.dumps(FULL))


@given(st.text(max_size=20) | JSON.map(json.dumps))
def test_what_is_no_book_is_refused(text: str) -> None:
    """Any other text is a `StoreError`."""
    with pytest.raises(StoreError, match="cannot be read"):
        Book.read(text)


@pytest.mark.parametrize("name", FIELDS)
def test_a_book_with_a_part_missing_is_refused(name: str) -> None:
    """Each part must be there."""
    with pytest.raises(StoreError):
        Book.read(json.dumps({field: FULL[field] for field in FIELDS if field != name}))


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("value", [None, "x", [None], {"a.1": "x"}, {"monday": ["a"]}, [1, "x"], {"b": None}])
def test_a_book_with_a_wrong_part_is_refused_or_does_no_harm(name: str, value: object) -> None:
    """A part of another kind is a `StoreError` when it is read, and never any other error later."""
    with contextlib.suppress(StoreError):
        use(json.dumps(FULL | {name: value}))
