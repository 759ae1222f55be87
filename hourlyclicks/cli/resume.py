"""The command line that fetches what is still missing, or goes on where a run ended."""

from __future__ import annotations

import shlex
from contextlib import suppress
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from hourlyclicks.cli.naming import words_for
from hourlyclicks.cli.words import safe, spans
from hourlyclicks.model.dates import DateRange
from hourlyclicks.pacing.plans import Rate

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator
    from pathlib import Path

    from hourlyclicks.cli.collecting import Outcomes
    from hourlyclicks.model.targets import Target

_LARGEST_NUMBER = 3
_REPLACED = {"start", "end", "last", "output"}
_TARGETS = {"link", "domain", "group", "account", "targets"}


def tell(ctx: click.Context, outcomes: Outcomes, output: Path | None, *, kept: bool) -> None:
    """Write the command lines for the missing days to stderr, or for all of them if nothing was kept."""
    rest = list(_rest(outcomes)) if kept else [(None, outcomes.days)]
    names = _beside(output, [days.start for _, days in rest])
    lines = [
        again(ctx, days, output=name, target=target) for (target, days), name in zip(rest, names, strict=True)
    ]
    _show("To fetch the rest:" if kept else "To fetch it all:", lines)


def _rest(outcomes: Outcomes) -> Iterator[tuple[Target | None, DateRange]]:
    """Yield what is missing; ``None`` stands for the targets that were named.

    Of one target these are the stretches of missing days, of few targets one stretch of each, and of many one
    for all, so that there are few command lines.
    """
    lacking = list(outcomes.lacking())
    if not outcomes.several:
        missing = spans(outcomes.parts[0].series.missing_days)
        if len(missing) <= _LARGEST_NUMBER:
            yield from ((None, DateRange(*ends)) for ends in missing)
            return
    if outcomes.several and len(lacking) <= _LARGEST_NUMBER:
        yield from ((target, DateRange(days[0], days[-1])) for target, days in lacking)
        return
    yield None, DateRange(min(days[0] for _, days in lacking), max(days[-1] for _, days in lacking))


def tell_same(
    ctx: click.Context, days: DateRange, *, output: Path | None = None, when: str = "To go on:"
) -> None:
    """Write the same command line to stderr, for the same days; what is done is in the store.

    Args:
        ctx: the command.
        days: the days, which ``--last`` would count from another day tomorrow.
        output: the file it writes.
        when: what to say before it.
    """
    _show(when, [again(ctx, days, output=output)])


def again(
    ctx: click.Context, days: DateRange, *, output: Path | None, target: Target | None = None
) -> list[str]:
    """Return the command line once more, with these days and this file, for all its targets or one."""
    named = [] if target is None else words_for(target)
    kept = _kept(ctx, _REPLACED if target is None else _REPLACED | _TARGETS)
    words = [*ctx.command_path.split(), *named, *kept, "--from", str(days.start), "--to", str(days.end)]
    return words if output is None else [*words, "-o", str(output)]


def _beside(output: Path | None, starts: list[dt.date]) -> list[Path | None]:
    """Return other files, so that none is overwritten, nor two of them are one."""
    if output is None:
        return [None] * len(starts)
    parts = [
        f"{start}-{starts[:place].count(start) + 1}" if start in starts[:place] else f"{start}"
        for place, start in enumerate(starts)
    ]
    return [output.with_name(f"{output.stem}.from-{part}{output.suffix}") for part in parts]


def _show(title: str, lines: list[list[str]]) -> None:
    with suppress(OSError):
        click.echo("\n".join([title, *("  " + " ".join(map(quoted, words)) for words in lines)]), err=True)


def quoted(word: str) -> str:
    """Quote a word for a shell; one that could steer the terminal is written with escapes."""
    if word.isprintable():
        return shlex.quote(word)
    escaped = safe(word.replace("\\", "\\\\").replace("'", "\\'"))
    return f"$'{escaped}'"


def _kept(ctx: click.Context, replaced: set[str]) -> Iterator[str]:
    """Yield the options the user gave that stay as they are."""
    for parameter in ctx.command.params:
        name = parameter.name or ""
        if name in replaced or ctx.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        value = ctx.params[name]
        for single in value if isinstance(value, tuple) else (value,):
            yield max(parameter.opts, key=len)
            if single is not True:
                yield _text(single)


def _text(value: object) -> str:
    return f"{value.requests}/{value.seconds:.9g}" if isinstance(value, Rate) else str(value)
