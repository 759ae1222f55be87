"""The targets of a command: named by options, listed in a file, or both."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from hourlyclicks.cli.console.messages import say
from hourlyclicks.cli.options.days import present
from hourlyclicks.cli.options.target_names import read_link, warn_of_lookalikes
from hourlyclicks.cli.options.types import path_type
from hourlyclicks.errors import UsageError
from hourlyclicks.model.spelling import BLANKS
from hourlyclicks.model.targets import Account, Group, Target
from hourlyclicks.model.zones import has_begun

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from hourlyclicks.cli.options.target_names import Warn
    from hourlyclicks.cli.options.types import Command
    from hourlyclicks.model.targets import Link

_SHOWN = 10
"""How many warnings are shown."""


@attrs.frozen
class Selection:
    """The targets that were named.

    Args:
        named: those that were named by options, in their order, each once.
        file: a file that lists more.
        domain: the domain of links in that file that name none.
        warnings: what may be a slip in the options.
    """

    named: tuple[Target, ...]
    file: Path | None
    domain: str | None
    warnings: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything was said."""
        return bool(self.named) or self.file is not None

    def read(self) -> tuple[Target, ...]:
        """Return all targets, each once; what may be a slip is told on stderr.

        Raises:
            UsageError: the file cannot be read, or something in it is no target.
        """
        return self.read_with_since()[0]

    def read_with_since(self) -> tuple[tuple[Target, ...], dict[Target, dt.date]]:
        """Return all targets, and the first days of those for which the file names one; see `read`."""
        warnings = list(self.warnings)
        since: dict[Target, dt.date] = {}
        listed = [] if self.file is None else _listed(self.file, self.domain, warnings.append, since)
        targets = tuple(dict.fromkeys([*self.named, *listed]))
        warn_of_lookalikes(targets, warnings.append)
        for text in warnings[:_SHOWN]:
            _warn(text)
        if len(warnings) > _SHOWN:
            _warn(f"{len(warnings) - _SHOWN:,} more of these")
        return targets, since


def with_targets(command: Command) -> Command:
    """Add options that name targets; the command takes ``selection``."""

    @click.option(
        "--link",
        metavar="ID",
        multiple=True,
        help="A link: its id together with --domain, or its whole address; repeatable.",
    )
    @click.option("--domain", metavar="URL", help="The domain of the links, with its scheme: https://vvd.bz")
    @click.option(
        "--group",
        metavar="N",
        type=click.IntRange(0),
        multiple=True,
        help="The number of a group; repeatable.",
    )
    @click.option("--account", is_flag=True, help="The whole account.")
    @click.option(
        "--targets",
        metavar="FILE",
        type=path_type(),
        help="Targets listed in a file: CSV, TOML, or an address in each line; - is stdin.",
    )
    @functools.wraps(command)
    def folded(
        *args: Any,  # noqa: ANN401 - whatever the command takes
        link: tuple[str, ...],
        domain: str | None,
        group: tuple[int, ...],
        account: bool,
        targets: Path | None,
        **rest: Any,  # noqa: ANN401 - likewise
    ) -> Any:  # noqa: ANN401 - likewise
        if domain is not None and not link and targets is None:
            raise click.UsageError("--domain needs --link or --targets")
        warnings: list[str] = []
        links = [_link(each, domain, warnings.append) for each in link]
        named: list[Target] = [*links, *map(Group, group), *([Account()] if account else [])]
        selection = Selection(tuple(dict.fromkeys(named)), targets, domain, tuple(warnings))
        return command(*args, selection=selection, **rest)

    return folded


def read_targets(path: Path, domain: str | None = None, warn: Warn | None = None) -> list[Target]:
    """Read the targets in a file, in their order.

    Args:
        path: the file; ``-``: the standard input.
        domain: the domain of links that name none.
        warn: told what may be a slip; ``None``: it is told on stderr.

    Raises:
        UsageError: it cannot be read, has no targets, or something in it is none.
    """
    from hourlyclicks.cli.options.target_list import read_list  # noqa: PLC0415 - most commands name no file

    return [listed.target for listed in read_list(path, domain, warn or _warn)]


def _listed(path: Path, domain: str | None, warn: Warn, since: dict[Target, dt.date]) -> Iterator[Target]:
    """Yield the targets in a file, and note their first days."""
    from hourlyclicks.cli.options.target_list import read_list  # noqa: PLC0415 - most commands name no file

    for listed in read_list(path, domain, warn):
        target, day = listed.target, listed.since
        if day is not None and not has_begun(day, present()):
            raise UsageError(f"{listed.place}: the first day of {target} is in the future: {day}")
        if day is not None and since.setdefault(target, day) != day:
            raise UsageError(f"{listed.place}: {target} has another first day before: {since[target]}")
        yield target


def _link(text: str, domain: str | None, warn: Warn) -> Link:
    """Read the value of ``--link``; a shell leaves blanks around it now and then."""
    text = text.strip(BLANKS)
    if domain is None and "://" not in text:
        raise click.UsageError("--link needs --domain, or the whole address of the link: https://vvd.bz/kYdr")
    try:
        return read_link(text, domain, lambda remark: warn(f"--link: {remark}"))
    except UsageError as error:
        raise UsageError(f"--link: {error}") from None


def _warn(text: str) -> None:
    say(f"warning: {text}")
