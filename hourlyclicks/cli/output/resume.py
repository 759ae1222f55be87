"""Command lines that are told to the user: for what is still missing, and for what a store knows.

Each works as it is when it is pasted into the same shell: it names the program as that shell finds it, and
keeps the store and the account. A store that was taken from the environment stays there, since its address
may hold a password.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from click.core import Argument, ParameterSource

from hourlyclicks.cli.console.messages import say_as_it_is
from hourlyclicks.cli.options.target_names import words_for
from hourlyclicks.files.devices import is_device
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.spans import spans
from hourlyclicks.pacing.plans import Rate
from hourlyclicks.render.phrases import safe

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    import click

    from hourlyclicks.cli.steps.collecting import RunOutcome
    from hourlyclicks.model.targets import Target

_LARGEST_NUMBER = 3
_MOST_PARTS = 1000
_NAME = "hourlyclicks"
_REPLACED = {"start", "end", "last", "output"}
_IN_DAYS = frozenset({"new"})
_TARGETS = frozenset({"link", "domain", "group", "account", "targets"})
_OF_STORE = frozenset({"store", "account_name", "timezone"})
_OF_STATUS = _OF_STORE | _TARGETS
_LONGEST_LINE = 500


def tell(
    ctx: click.Context, outcome: RunOutcome, days: DateRange, *, output: Path | None, kept: bool
) -> None:
    """Write the command lines for the missing days to stderr, or for all of them if nothing was kept."""
    lines: list[list[str]] = []
    names: list[Path | None] = []
    for target, part in list(_rest(outcome)) if kept else [(None, days)]:
        names.append(_beside(output, part.start, names))
        lines.append(again(ctx, part, output=names[-1], target=target))
    _show("To fetch the rest:" if kept else "To fetch it all:", lines)


def _rest(outcome: RunOutcome) -> Iterator[tuple[Target | None, DateRange]]:
    """Yield what is missing; ``None`` stands for the targets that were named.

    Of one target these are the stretches of missing days, of few targets one stretch of each, and of many one
    for all, so that there are few command lines.
    """
    lacking = list(outcome.lacking())
    if not outcome.several:
        missing = spans(outcome.parts[0].series.missing_days)
        if len(missing) <= _LARGEST_NUMBER:
            yield from ((None, DateRange(*ends)) for ends in missing)
            return
    if outcome.several and len(lacking) <= _LARGEST_NUMBER:
        yield from ((target, DateRange(days[0], days[-1])) for target, days in lacking)
        return
    yield None, DateRange(min(days[0] for _, days in lacking), max(days[-1] for _, days in lacking))


def tell_same(
    ctx: click.Context, days: DateRange | None, *, output: Path | None = None, when: str = "To go on:"
) -> None:
    """Write the same command line to stderr, for the same days; what is done is in the store.

    Args:
        ctx: the command.
        days: the days, which ``--last`` would count from another day tomorrow; ``None``: it names none.
        output: the file it writes.
        when: what to say before it.
    """
    _show(when, [again(ctx, days, output=output)])


def again(
    ctx: click.Context, days: DateRange | None, *, output: Path | None, target: Target | None = None
) -> list[str]:
    """Return the command line once more, with these days and this file, for all its targets or one."""
    named = [] if target is None else words_for(target)
    kept = _kept(ctx, without=frozenset() if target is None else _TARGETS)
    ends = [] if days is None else ["--from", str(days.start), "--to", str(days.end)]
    words = [*program(), *_names(ctx), *named, *kept, *ends]
    return words if output is None else [*words, "-o", str(output)]


def _names(ctx: click.Context) -> list[str]:
    """Return the words that name a command: two for one in a group."""
    return [] if ctx.parent is None else [*_names(ctx.parent), ctx.info_name or ""]


def status_of(ctx: click.Context, *options: str) -> str:
    """Return the command line that shows what the store of a command holds, of its targets if they are few.

    Args:
        ctx: the command.
        options: what ``status`` should be told besides.
    """
    words = [*program(), "status", *options]
    line = line_of([*words, *_kept(ctx, only=_OF_STATUS)])
    return line if len(line) <= _LONGEST_LINE else line_of([*words, *_kept(ctx, only=_OF_STORE)])


def program() -> list[str]:
    """Return the words that start this program once more in the same shell."""
    started, found = Path(sys.argv[0]), shutil.which(_NAME)
    if (started.parent.name, started.name) == (_NAME, "__main__.py"):
        beside = found is not None and Path(found).parent == Path(sys.executable).parent
        return [_NAME] if beside else [sys.executable, "-m", _NAME]
    elsewhere = found is None or os.path.realpath(found) != os.path.realpath(started)
    return [str(started)] if started.stem == _NAME and elsewhere else [_NAME]


def _beside(output: Path | None, start: dt.date, taken: list[Path | None]) -> Path | None:
    """Return another file, so that none is overwritten; a device or a pipe is the same one again."""
    if output is None or is_device(output):
        return output
    names = [f".from-{start}", *(f".from-{start}-{number}" for number in range(2, _MOST_PARTS))]
    paths = [output.with_name(f"{output.stem}{name}{output.suffix}") for name in names]
    return next((path for path in paths if path not in taken and not os.path.lexists(path)), paths[0])


def _show(title: str, lines: list[list[str]]) -> None:
    say_as_it_is("\n".join([title, *("  " + line_of(words) for words in lines)]))


def line_of(words: list[str]) -> str:
    """Return words as a line for a shell."""
    return " ".join(map(quoted, words))


def quoted(word: str) -> str:
    """Quote a word for a shell; one that could steer the terminal is written with escapes."""
    if word.isprintable():
        return shlex.quote(word)
    escaped = safe(word.replace("\\", "\\\\").replace("'", "\\'"))
    return f"$'{escaped}'"


def _kept(
    ctx: click.Context, only: frozenset[str] | None = None, *, without: frozenset[str] = frozenset()
) -> Iterator[str]:
    """Yield the options the user gave that stay as they are, or only some of them."""
    for parameter in ctx.command.params:
        name = parameter.name or ""
        if name in _REPLACED or name in without or (only is not None and name not in only):
            continue
        if ctx.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        value = ctx.params[name]
        if name == "max_requests" and value == 0:  # nothing would ever be requested
            continue
        if isinstance(parameter, Argument):
            yield _text(value)
            continue
        for single in value if isinstance(value, tuple) else (value,):
            yield max(parameter.opts, key=len)
            if single is not True:
                yield f"{single}d" if name in _IN_DAYS else _text(single)


def _text(value: object) -> str:
    return f"{value.requests}/{value.seconds:.9g}" if isinstance(value, Rate) else str(value)
