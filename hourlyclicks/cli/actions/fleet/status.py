"""What ``hourlyclicks fleet status`` does."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from hourlyclicks.cli.console import loop
from hourlyclicks.cli.options.accounts import AccountDefaults, read_accounts
from hourlyclicks.cli.options.days import present
from hourlyclicks.cli.output.files import writing
from hourlyclicks.cli.steps.stores import looking_into
from hourlyclicks.coordination.fleet_runs import running_fleets
from hourlyclicks.model.zones import as_zone
from hourlyclicks.render.fleet import AccountHolder, AccountStatus, fleet_lines
from hourlyclicks.render.running import fleet_lines as running_lines
from hourlyclicks.store.stored_account import SHORT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hourlyclicks.cli.options.stores import StoreChoice
    from hourlyclicks.coordination.fleet_runs import RunningFleet
    from hourlyclicks.store.leases import StoredLease


def run(
    *, store: StoreChoice, accounts: Path | None, timezone: str | None, as_json: bool, everything: bool
) -> None:
    """See the help of the command."""
    names = [] if accounts is None else [job.name for job in read_accounts(accounts, AccountDefaults(), str)]
    with writing("jsonl" if as_json else "table", None):
        found, runs = loop.run(_statuses(store, names, timezone))
        if as_json:
            sys.stdout.write(json.dumps([each.as_object() for each in found], indent=2) + "\n")
            return
        lines = [*running_lines(runs, present()), *fleet_lines(found, all_=everything)]
        sys.stdout.write("".join(line + "\n" for line in lines))


async def _statuses(
    store: StoreChoice, names: list[str], timezone: str | None
) -> tuple[list[AccountStatus], Sequence[RunningFleet]]:
    """Return what the store knows of each account, those of the file first in its order, and the runs.

    The store does not have the names of accounts, only their fingerprints, unless a process holds them.
    """
    now = present()
    async with looking_into(store, as_zone(timezone)) as opened:
        known = {account.fingerprint: account for account in await opened.accounts()}
        leases = {lease.account: lease for lease in await opened.leases()}
        named = await opened.fingerprints(names)
        labels = {fingerprint: name for name, fingerprint in named.items()}
        found: list[AccountStatus] = []
        for fingerprint in dict.fromkeys([*labels, *known]):
            if fingerprint not in known:
                found.append(AccountStatus(name=labels[fingerprint], fingerprint=None))
                continue
            account = known[fingerprint]
            lease = leases.get(account.number)
            name = labels.get(fingerprint) or (fingerprint[:SHORT] if lease is None else lease.label)
            summaries = await account.summarize(now=now)
            found.append(AccountStatus.of(name, fingerprint, summaries, _holder(lease)))
        return found, await running_fleets(opened, now=now)


def _holder(lease: StoredLease | None) -> AccountHolder | None:
    if lease is None:
        return None
    process = f"process {lease.holder.pid} on {lease.holder.host}" if lease.holder.name else None
    return AccountHolder(process, lease.left)
