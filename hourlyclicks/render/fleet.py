"""The accounts of a store as text for people, and as objects for JSON."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import attrs

from hourlyclicks.model.quantities import count, duration
from hourlyclicks.render.phrases import fit, safe
from hourlyclicks.store.ledger import DayState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hourlyclicks.store.target_summary import TargetSummary

_LONGEST_NAME = 32
_MANY = 30
"""Of more accounts, those without a day to request, and held by no process, are only counted."""


@attrs.frozen
class AccountHolder:
    """The process that holds an account.

    Args:
        process: which process that is, in words; ``None``: the account was taken away from it.
        seconds: until its lease expires, unless it is renewed; 0 or less: it has expired.
    """

    process: str | None
    seconds: float


@attrs.frozen(kw_only=True)
class AccountStatus:
    """What a store knows of an account.

    Args:
        name: its name, or the beginning of its fingerprint if the name is not known.
        fingerprint: by what the store knows it; ``None``: it does not know it.
        targets: how many targets it has.
        known: how many of their days were requested.
        due: how many of their days a backfill would request: missing, failed and stale ones.
        failed: how many of them failed.
        rejected: how many of them the API has rejected.
        newest_complete: the last complete day of any target; ``None``: there is none.
        holder: the process that holds it; ``None``: none does.
    """

    name: str
    fingerprint: str | None
    targets: int = 0
    known: int = 0
    due: int = 0
    failed: int = 0
    rejected: int = 0
    newest_complete: dt.date | None = None
    holder: AccountHolder | None = None

    @classmethod
    def of(
        cls, name: str, fingerprint: str, summaries: Sequence[TargetSummary], holder: AccountHolder | None
    ) -> AccountStatus:
        """Add up what is known of the targets of an account."""
        newest = [each.newest_complete for each in summaries if each.newest_complete is not None]
        return cls(
            name=name,
            fingerprint=fingerprint,
            targets=len(summaries),
            known=sum(each.states.total() for each in summaries),
            due=sum(each.due for each in summaries),
            failed=sum(each.states[DayState.FAILED] for each in summaries),
            rejected=sum(each.states[DayState.REFUSED] for each in summaries),
            newest_complete=max(newest, default=None),
            holder=holder,
        )

    @property
    def quiet(self) -> bool:
        """Whether no day of it is to be requested again, and no process holds it."""
        return self.known > 0 and not self.due and self.holder is None

    def as_object(self) -> dict[str, Any]:
        """Return it as values that JSON can hold."""
        values = attrs.asdict(self)
        values["newest_complete"] = None if self.newest_complete is None else str(self.newest_complete)
        return values


def fleet_lines(accounts: Sequence[AccountStatus], *, all_: bool) -> Iterator[str]:
    """Yield the lines of a table of accounts, and of their sums.

    Args:
        accounts: the accounts.
        all_: whether to show also those with no day to request again, if there are many.
    """
    shown = [each for each in accounts if all_ or len(accounts) <= _MANY or not each.quiet]
    if shown:
        width = min(_LONGEST_NAME, max(len("account"), *(len(safe(each.name)) for each in shown)))
        yield f"{'account':{width}}  targets      days    again   failed  complete to  held by"
        for each in shown:
            yield _line(each, width)
    if left_out := len(accounts) - len(shown):
        yield f"not shown: {count(left_out, 'account')} with no day to request again; --all shows them"
    held = sum(each.holder is not None and each.holder.process is not None for each in accounts)
    days, due = sum(each.known for each in accounts), sum(each.due for each in accounts)
    yield f"{count(len(accounts), 'account')}, {held:,} held; {count(days, 'day')}, {due:,} to request again"


def _line(account: AccountStatus, width: int) -> str:
    name = fit(safe(account.name), width)
    if account.fingerprint is None:
        return f"{name:{width}}  not in the store yet"
    counts = f"{account.targets:7,}  {account.known:8,}  {account.due:7,}  {account.failed:7,}"
    line = f"{name:{width}}  {counts}  {account.newest_complete or '-'!s:<11}"
    holder = account.holder
    if holder is None:
        return line.rstrip()
    left = duration(holder.seconds) if holder.seconds > 0 else "expired"
    held = f"{holder.process}, lease {left}" if holder.process else f"taken away, lease {left}"
    return f"{line}  {safe(held)}"
