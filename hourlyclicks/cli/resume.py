"""The command line that fetches what is still missing."""

from __future__ import annotations

import shlex
from contextlib import suppress
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from hourlyclicks.cli.words import safe, spans
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
    lines = ["  " + " ".join(map(quoted, again(ctx, start, end, output))) for start, end in missing]
    with suppress(OSError):
        click.echo("\n".join(["To fetch the rest:" if kept else "To fetch it all:", *lines]), err=True)


def again(ctx: click.Context, start: dt.date, end: dt.date, output: Path | None) -> list[str]:
    """Return the command line once more, with other days, and another file so that none is overwritten."""
    words = [*ctx.command_path.split(), *_kept(ctx), "--from", str(start), "--to", str(end)]
    if output is None:
        return words
    return [*words, "-o", str(output.with_name(f"{output.stem}.from-{start}{output.suffix}"))]


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
