"""The accounts of a fleet, listed in a TOML file: a table for each, with a reference to its key.

What stands in front of the first ``[[account]]`` holds for all accounts that do not say it themselves.
Mistakes are told with the line of the account, its name, and the field. A file never holds a key.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from hourlyclicks.cli.console.reading import read_to_end
from hourlyclicks.cli.options.limits import PLANS
from hourlyclicks.cli.options.target_list import read_list
from hourlyclicks.cli.options.target_names import read_link, read_target, warn_of_lookalikes
from hourlyclicks.errors import UsageError
from hourlyclicks.fleet.accounts import AccountJob
from hourlyclicks.fleet.keys import KeyRef
from hourlyclicks.model.dates import as_day
from hourlyclicks.model.targets import Account, Group
from hourlyclicks.pacing.plans import Limits, Plan, as_rate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hourlyclicks.cli.options.target_names import Warn
    from hourlyclicks.model.target_days import TargetItem

    Table: TypeAlias = dict[str, Any]

_COMMON = frozenset({"plan", "limits", "concurrency", "domain", "start", "end", "timezone"})
_KEYS = ("key-env", "key-file", "key-call")
_FIELDS = _COMMON | {"name", *_KEYS, "account", "links", "groups", "targets"}
_IN_CLEAR = re.compile(r"(?i)(api[-_ ]?)?(key|secret|token)")
_HEADER = re.compile(r"^\s*\[\[\s*(?:account|\"account\"|'account')\s*\]\]", re.MULTILINE)
_ONE_PLAN = ("plan", "limits")


@attrs.frozen
class AccountDefaults:
    """What holds for accounts for which the file says nothing.

    Args:
        plan: the plan.
        limits: the limits in place of a plan.
        start: the first day.
        end: the last day.
    """

    plan: Plan | None = None
    limits: Limits | None = None
    start: dt.date | None = None
    end: dt.date | None = None


def read_accounts(path: Path, defaults: AccountDefaults, warn: Warn) -> list[AccountJob]:
    """Read the accounts in a file, in their order.

    Args:
        path: the file.
        defaults: what holds where neither an account nor the beginning of the file says it.
        warn: told what may be a slip.

    Raises:
        UsageError: the file cannot be read, names no accounts, holds a key, or something in it is wrong; or
            two accounts have the same name or the same key.
    """
    document, lines = _parsed(path)
    tables = document.pop("account", [])
    if "accounts" in document:
        raise UsageError(f"{path}: write [[account]] for each account, not accounts")
    _check_fields(str(path), document, _COMMON)
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise UsageError(f"{path}: write [[account]], with two brackets")
    if not tables:
        raise UsageError(f"{path} names no accounts: write an [[account]] for each")
    if len(lines) != len(tables):  # written in another way than one header for each
        lines = [0] * len(tables)
    entries = [
        Entry(path, number, line, _joined(document, table), defaults)
        for number, (line, table) in enumerate(zip(lines, tables, strict=True), start=1)
    ]
    jobs = [entry.job(warn) for entry in entries]
    _check_distinct(entries, jobs)
    return jobs


def _parsed(path: Path) -> tuple[Table, list[int]]:
    """Return the document, and the lines in which the accounts begin."""
    try:
        with path.open("rb") as stream:
            text = read_to_end(stream).decode("utf-8-sig")
        document = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not written in UTF-8") from None
    except (ValueError, RecursionError) as error:  # also a number with thousands of digits
        raise UsageError(f"{path}: {error}") from None
    return document, [text.count("\n", 0, found.end()) + 1 for found in _HEADER.finditer(text)]


def _joined(common: Table, table: Table) -> Table:
    """Return the fields of an account, and those that hold for all; a plan and limits exclude each other."""
    replaced = set(_ONE_PLAN) if any(name in table for name in _ONE_PLAN) else set()
    if "plan" in table:
        replaced.add("concurrency")  # it goes with the limits
    return {name: value for name, value in common.items() if name not in replaced} | table


def _check_fields(place: str, table: Table, known: frozenset[str]) -> None:
    """Refuse fields that mean nothing; above all, a key in clear."""
    for name in sorted(set(table) - known):
        if _IN_CLEAR.fullmatch(name):
            raise UsageError(
                f"{place}: {name} would hold an API key in clear: name the environment variable that holds it"
                " with key-env, or the file with key-file"
            )
        raise UsageError(f"{place}: {name!r} is no field; the fields are: {', '.join(sorted(known))}")


def _check_distinct(entries: list[Entry], jobs: list[AccountJob]) -> None:
    """Refuse two accounts of one name, or with one key."""
    names: dict[str, str] = {}
    keys: dict[KeyRef, str] = {}
    for entry, job in zip(entries, jobs, strict=True):
        place = names.setdefault(job.name, entry.place)
        if place != entry.place:
            raise UsageError(f"{entry.place}: the name occurs before, in {place}")
        other = keys.setdefault(job.key, job.name)
        if other != job.name:
            raise UsageError(
                f"{entry.place}: it has the key of the account {other!r} ({job.key}), and the limits belong"
                " to the key: make one account of them, with the targets of both"
            )


@attrs.frozen
class Entry:
    """What a file says about one account.

    Args:
        path: the file.
        number: which account of the file it is, from 1.
        line: the line in which it begins; 0: it is not known.
        table: the fields.
        defaults: what holds where the file says nothing.
    """

    path: Path
    number: int
    line: int
    table: Table
    defaults: AccountDefaults

    @property
    def place(self) -> str:
        """Where it stands, and its name if it has one."""
        name = self.table.get("name")
        where = f"{self.path}:{self.line}: account" if self.line else f"{self.path}: account {self.number}"
        return f"{where} {name!r}" if isinstance(name, str) else where

    def job(self, warn: Warn) -> AccountJob:
        """Make a job of it.

        Raises:
            UsageError: a field is wrong.
        """
        _check_fields(self.place, self.table, _FIELDS)
        plan, limits = self._pace()
        targets = list(self._targets(lambda text: warn(f"{self.place}: {text}")))
        if not targets:
            raise UsageError(f"{self.place}: it has no target: name links, groups, targets or account = true")
        start, end = self._days()
        try:
            return AccountJob(
                self._text("name", needed=True),
                key=self._key(),
                plan=plan,
                targets=targets,
                start=start,
                end=end,
                limits=limits,
                timezone=self._text("timezone") or None,
            )
        except UsageError as error:
            raise UsageError(f"{self.place}: {error}") from None

    def _key(self) -> KeyRef:
        named = [name for name in _KEYS if name in self.table]
        if len(named) != 1:
            raise UsageError("it needs one of key-env, key-file and key-call")
        value = self._text(named[0])
        try:
            if named == ["key-env"]:
                return KeyRef.env(value)
            if named == ["key-file"]:
                return KeyRef.file(self.path.parent / value)
            return KeyRef.call(value, self._text("name", needed=True))
        except UsageError as error:
            raise UsageError(f"{named[0]}: {error}") from None

    def _pace(self) -> tuple[Plan | None, Limits | None]:
        """Return the plan or the limits."""
        if "plan" in self.table and "limits" in self.table:
            raise UsageError(f"{self.place}: it has a plan and limits: write one of them")
        if "limits" in self.table:
            return None, self._field("limits", self._limits)
        if "concurrency" in self.table:
            raise UsageError(f"{self.place}: concurrency goes with limits")
        if "plan" in self.table:
            return self._field("plan", self._plan), None
        return self.defaults.plan, self.defaults.limits

    def _plan(self, value: object) -> Plan:
        if not isinstance(value, str) or value.lower() not in PLANS:
            raise UsageError(f"{value!r} is none of {', '.join(PLANS)}")
        return PLANS[value.lower()]

    def _limits(self, value: object) -> Limits:
        rates = value if isinstance(value, list) else [value]
        if not rates:
            raise UsageError('write at least one, such as ["24/60"]')
        concurrency = self.table.get("concurrency", 1)
        return Limits(rates=tuple(map(as_rate, rates)), concurrency=concurrency)

    def _days(self) -> tuple[dt.date | None, dt.date | None]:
        """Return the first and the last day; those of the file count as a pair."""
        if "start" in self.table or "end" in self.table:
            start, end = (
                self._field(name, as_day) if name in self.table else None for name in ("start", "end")
            )
            return start, end
        return self.defaults.start, self.defaults.end

    def _targets(self, warn: Warn) -> Iterator[TargetItem]:
        if "account" in self.table:
            if self.table["account"] is not True:
                raise UsageError(f"{self.place}: account: it is true, or is left out")
            yield Account()
        yield from self._field("links", lambda value: self._links(value, warn))
        yield from self._field("groups", _groups)
        yield from self._field("targets", lambda value: self._listed(value, warn))

    def _links(self, value: object, warn: Warn) -> list[TargetItem]:
        domain = self._text("domain") or None
        links = [read_link(text, None if "://" in text else domain, warn) for text in _texts(value)]
        warn_of_lookalikes(links, warn)
        return list(links)

    def _listed(self, value: object, warn: Warn) -> list[TargetItem]:
        """Read targets in one word each, or the file that lists them."""
        if not isinstance(value, str):
            return [read_target(text, warn) for text in _texts(value)]
        found = read_list(self.path.parent / value, self._text("domain") or None, warn)
        return [each.target if each.since is None else (each.target, each.since) for each in found]

    def _text(self, name: str, *, needed: bool = False) -> str:
        """Return the text of a field; empty: there is none."""
        value = self.table.get(name, "")
        if not isinstance(value, str) or (name in self.table and not value.strip()):
            raise UsageError(f"{name}: it is text in quotes, and not empty")
        if needed and not value:
            raise UsageError(f"it has no {name}")
        return value

    def _field(self, name: str, read: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - whatever is read
        """Read a field; a mistake in it is told with its name. One that is not there is empty."""
        try:
            return read(self.table[name]) if name in self.table else ()
        except UsageError as error:
            raise UsageError(f"{self.place}: {name}: {error}") from None


def _texts(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise UsageError('write a list of texts, such as ["kYdr", "https://vvd.bz/abc"]')
    return value


def _groups(value: object) -> list[TargetItem]:
    if not isinstance(value, list) or not all(type(each) is int for each in value):
        raise UsageError("write a list of numbers, such as [7, 12]")
    return [Group(number) for number in value]
