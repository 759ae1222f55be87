"""No reader that is quick accepts what the careful one rejects, or makes other figures of it.

How many mutated answers are tried depends on the profile; ``HYPOTHESIS_PROFILE=explore`` tries a million.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.model.dates import DateRange
from hourlyclicks.wire import canonical as expression
from hourlyclicks.wire import fast_reader
from hourlyclicks.wire.canonical import canonical_columns
from hourlyclicks.wire.document import UnreadableError, read_strictly
from hourlyclicks.wire.envelope import code_of, rows_of
from hourlyclicks.wire.fast_reader import quick_days
from hourlyclicks.wire.rows import careful_columns, careful_days
from tests.sizes import PROFILE, examples, sample, sized
from tests.wire.mutations import YMD, answer, mutated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hourlyclicks.wire.rows import Columns

DAY = dt.date.fromisoformat(YMD)
DAYS = DateRange(DAY, DAY + dt.timedelta(days=1))
PARTS = 20
BODIES = sized(5_000, examples(50_000))


def careful(body: bytes) -> Columns | None:
    """Read an answer the careful way; ``None``: it is rejected."""
    try:
        document = read_strictly(body)
        return careful_columns(rows_of(document), YMD) if code_of(document) == 0 else None
    except UnreadableError:
        return None


def careful_range(body: bytes) -> list[tuple[dt.date, Columns]] | None:
    """Read an answer for two days the careful way; ``None``: it is rejected."""
    try:
        document = read_strictly(body)
        return [*careful_days(rows_of(document), DAYS).items()] if code_of(document) == 0 else None
    except UnreadableError:
        return None


def canonical(body: bytes) -> Columns | None:
    """Read an answer by the expression."""
    return canonical_columns(body, DAY)


def canonical_without_msgspec(body: bytes) -> Columns | None:
    """Read an answer by the expression on a machine without msgspec, and with no number known."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(expression, "_known", {})
        patch.setattr(expression, "figures_reader", lambda: fast_reader._loose_figures)
        return canonical_columns(body, DAY)


READERS: dict[str, Callable[[bytes], Columns | None]] = {
    "the expression": canonical,
    "the expression without msgspec": canonical_without_msgspec,
    "msgspec": lambda body: fast_reader.fast_reader()(body, YMD),
    "the standard library": lambda body: fast_reader._loose_columns(body, YMD),
}


def bodies(seed: int) -> Iterator[bytes]:
    """Make mutated answers; in the profile ``explore`` new ones in each run."""
    source = random.Random(seed if PROFILE != "explore" else None)
    for _ in range(BODIES // PARTS):
        body = answer(source)
        for _ in range(source.choice([1, 1, 1, 2, 3])):
            body = mutated(body, source)
        yield body


@pytest.mark.parametrize("seed", range(PARTS))
def test_quick_readers_accept_nothing_that_is_wrong(seed: int) -> None:
    """Whatever becomes of an answer on its way, a quick reader gives the careful one's figures or none."""
    accepted: Counter[str] = Counter()
    for body in bodies(seed):
        read = {name: columns for name, reader in READERS.items() if (columns := reader(body)) is not None}
        if read:
            assert dict.fromkeys(read, careful(body)) == read, body
        accepted.update(read.keys())
    assert accepted.keys() == READERS.keys()


@pytest.mark.parametrize("seed", sample(range(PARTS), 5))
def test_days_of_a_range_are_read_alike(seed: int) -> None:
    """Of an answer for two days likewise, to each of which some of the rows belong."""
    lengths = Counter[int]()
    for number, body in enumerate(bodies(seed)):
        of_both = body.replace(YMD.encode(), b"2025-04-21", number % 25)
        read = quick_days(of_both, DAYS)
        if read is not None:
            assert [*read.items()] == careful_range(of_both), of_both
            lengths[len(read)] += 1
    assert lengths.keys() >= {1, 2}
