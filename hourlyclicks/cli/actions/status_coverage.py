"""What ``hourlyclicks status`` does without its flags: it shows each target on its own."""

from __future__ import annotations

import json
import sys
from contextlib import aclosing
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.cli.console import loop
from hourlyclicks.cli.options.days import present
from hourlyclicks.cli.output.files import writing
from hourlyclicks.cli.steps.running_backfills import lines_about
from hourlyclicks.cli.steps.stores import accounts_of, looking_into
from hourlyclicks.model.quantities import count
from hourlyclicks.render.coverage import as_object, shades_for, table
from hourlyclicks.store.backlog import summaries_of
from hourlyclicks.store.ledger import DayState
from hourlyclicks.store.target_summary import batches

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from hourlyclicks.cli.options.stores import StoreChoice
    from hourlyclicks.store.backlog import Scope
    from hourlyclicks.store.coverage import Coverage
    from hourlyclicks.store.stored_account import StoredAccount


_MANY = 300
"""Of more targets, those without gaps and those without any day are only counted."""


@attrs.define
class LeftOut:
    """The targets that are not shown.

    Args:
        all_: whether all targets are shown.
    """

    _all: bool = attrs.field(alias="all_")
    _complete: int = 0
    _unknown: int = 0

    def counts(self, coverage: Coverage) -> bool:
        """Count a target, and return whether it is not shown."""
        unknown = coverage.range is None
        complete = not unknown and not coverage.missing and not coverage.states[DayState.FAILED]
        if self._all:
            return False
        self._unknown += unknown
        self._complete += complete
        return unknown or complete

    def lines(self) -> Iterator[str]:
        """Yield the lines about them."""
        if self._complete or self._unknown:
            yield ""
        if self._complete:
            yield f"not shown: {count(self._complete, 'target')} without gaps; --all shows them"
        if self._unknown:
            yield f"not shown: {count(self._unknown, 'target')} without any day; --all shows them"


def run(*, store: StoreChoice, scope: Scope, form: str, everything: bool) -> None:
    """See the help of the command."""
    with writing("table" if form == "table" else "jsonl", None) as stream:
        shades = shades_for(getattr(stream, "encoding", None))
        pieces = (
            _as_json(store, scope) if form == "json" else _as_table(store, scope, shades, all_=everything)
        )
        loop.run(_write(pieces))


async def _write(pieces: AsyncGenerator[str, None]) -> None:
    async with aclosing(pieces):
        async for piece in pieces:
            sys.stdout.write(piece)


async def _coverages(account: StoredAccount, scope: Scope) -> AsyncGenerator[Coverage, None]:
    """Yield what is known of each target, one after the other."""
    now = present()
    for batch in batches(scope.targets or await account.targets(), scope.days):
        for summary in await summaries_of(account, attrs.evolve(scope, targets=tuple(batch)), now=now):
            yield await account.cover(summary, now=now)


async def _as_table(
    store: StoreChoice, scope: Scope, shades: str, *, all_: bool
) -> AsyncGenerator[str, None]:
    """Yield the text for people, a target at a time."""
    async with looking_into(store, scope.zone) as opened:
        known = await accounts_of(opened, store.account, scope.targets)
        if not known:
            yield "The store is empty.\n"
        for account in known:
            shown = f"{len(scope.targets):,} of " if scope.targets else ""
            number = count(len(await account.targets()), "target")
            yield f"account {account.short}: {shown}{number}\n"
            yield "".join(line + "\n" for line in await lines_about(account))
            left_out = LeftOut(all_=all_ or len(scope.targets or await account.targets()) <= _MANY)
            async for coverage in _coverages(account, scope):
                if not left_out.counts(coverage):
                    yield "".join(line + "\n" for line in table(coverage, shades, all_=all_))
            yield "".join(line + "\n" for line in left_out.lines())


async def _as_json(store: StoreChoice, scope: Scope) -> AsyncGenerator[str, None]:
    """Yield a JSON document, an object of its array at a time."""
    before = "[\n"
    async with looking_into(store, scope.zone) as opened:
        for account in await accounts_of(opened, store.account, scope.targets):
            async for coverage in _coverages(account, scope):
                yield before + json.dumps({"account": account.short, **as_object(coverage)})
                before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"
