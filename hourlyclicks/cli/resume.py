"""The command line that fetches what is still missing, or goes on where a run ended."""

from __future__ import annotations

import shlex
from contextlib import suppress
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from hourlyclicks.cli.words import safe, spans
from hourlyclicks.model.dates import DateRange
from hourlyclicks.pacing.plans import Rate

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator
    from pathlib import Path

    from hourlyclicks.cli.collecting import Outcome

_LARGEST_NUMBER = 3
_REPLACED = {"start", "end", "last", "output"}


def tell(ctx: click.Context, outcome: Outcome, output: Path | None, *, kept: bool) -> None:
    """Write the command lines for the missing days to stderr, or for all of them if nothing was kept."""
    days = outcome.series.range
    missing = spans(outcome.series.missing_days) if kept else [(days.start, days.end)]
    if len(missing) > _LARGEST_NUMBER:
        missing = [(missing[0][0], missing[-1][1])]
    apart = {(start, end): _beside(output, start) for start, end in missing}
    lines = [again(ctx, DateRange(start, end), output=name) for (start, end), name in apart.items()]
    _show("To fetch the rest:" if kept else "To fetch it all:", lines)


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


def again(ctx: click.Context, days: DateRange, *, output: Path | None) -> list[str]:
    """Return the command line once more, with these days and this file."""
    words = [*ctx.command_path.split(), *_kept(ctx), "--from", str(days.start), "--to", str(days.end)]
    return words if output is None else [*words, "-o", str(output)]


def _beside(output: Path | None, start: dt.date) -> Path | None:
    """Return another file, so that none is overwritten."""
    return None if output is None else output.with_name(f"{output.stem}.from-{start}{output.suffix}")


def _show(title: str, lines: list[list[str]]) -> None:
    with suppress(OSError):
        click.echo("\n".join([title, *("  " + " ".join(map(quoted, words)) for words in lines)]), err=True)


def quoted(word: str) -> str:
    """Quote a word for a shell; one that could steer the terminal is written with escapes."""
    if word.isprintable():
        return shlex.quote(word)
    escaped = safe(word.replace("\\", "\\\\").replace("'", "\\'"))
    return f"$'{escaped}'"


def _kept(ctx: click.Context) -> Iterator[str]:
    """Yield the options the user gave that stay as they are."""
    for parameter in ctx.command.params:
        name = parameter.name or ""
        if name in _REPLACED or ctx.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        value = ctx.params[name]
        for single in value if isinstance(value, tuple) else (value,):
            yield max(parameter.opts, key=len)
            if single is not True:
                yield _text(single)


def _text(value: object) -> str:
    return f"{value.requests}/{value.seconds:.9g}" if isinstance(value, Rate) else str(value)
