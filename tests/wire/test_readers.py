"""No reader that is quick accepts what the careful one rejects, or makes other figures of it.

How many mutated answers are tried depends on the profile; ``HYPOTHESIS_PROFILE=explore`` tries a million.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.wire import canonical as expression
from hourlyclicks.wire import fast_reader
from hourlyclicks.wire.canonical import canonical_columns
from hourlyclicks.wire.document import UnreadableError, read_strictly
from hourlyclicks.wire.envelope import code_of, rows_of
from hourlyclicks.wire.rows import careful_columns
from tests.sizes import PROFILE, examples, sized
from tests.wire.mutations import YMD, answer, mutated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hourlyclicks.wire.rows import Columns

DAY = dt.date.fromisoformat(YMD)
PARTS = 20
BODIES = sized(5_000, examples(50_000))


def careful(body: bytes) -> Columns | None:
    """Read an answer the careful way; ``None``: it is rejected."""
    try:
        document = read_strictly(body)
        return careful_columns(rows_of(document), YMD) if code_of(document) == 0 else None
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
