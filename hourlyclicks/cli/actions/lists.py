"""What ``hourlyclicks links`` and ``hourlyclicks groups`` do."""

from __future__ import annotations

import json
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from hourlyclicks.cli.console import loop
from hourlyclicks.cli.console.messages import events_shown, say
from hourlyclicks.cli.options.access import Access
from hourlyclicks.cli.options.collisions import check_apart
from hourlyclicks.cli.options.limits import RateOptions, default_rate
from hourlyclicks.cli.output.files import check_writable, writing
from hourlyclicks.cli.output.formats import format_for
from hourlyclicks.cli.steps.keys import find_key
from hourlyclicks.events import ClockSkew, ListName, PageAttemptFailed, Paused
from hourlyclicks.fetching.retry import RetryPolicy
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.listing import ListedLink
from hourlyclicks.model.quantities import count, duration

if TYPE_CHECKING:
    from typing import IO

    from hourlyclicks.client import Client
    from hourlyclicks.events import Event
    from hourlyclicks.model.listing import ListedGroup

_HEADERS: dict[ListName, str] = {"links": "target,since,title", "groups": "target,since,name,links"}


@attrs.frozen(kw_only=True)
class Options:
    """The options of the commands.

    Args:
        name: the list.
        rate: the limits to keep; ``None``: those of the smallest plan.
        form: the format, if that was said.
        output: the file; ``None``: stdout.
        access: how to reach the API.
        created: the days on which links were created; ``None``: any.
    """

    name: ListName
    rate: RateOptions | None
    form: str | None
    output: Path | None
    access: Access
    created: DateRange | None = None


def run(options: Options) -> None:
    """See the help of the commands."""
    output = None if options.output == Path("-") else options.output
    check_apart(output=output, key_file=options.access.key_file)
    check_writable(output)
    form = format_for(options.form, output, otherwise="csv", binary=False)
    rate = options.rate or default_rate()
    rate = attrs.evolve(rate, limits=rate.of_lists)
    key = find_key(options.access.key_file)
    client = options.access.client(key, rate=rate, retry=RetryPolicy(), on_event=tell)
    with events_shown(), writing(form, output) as stream:
        number = loop.run(_write(client, options, form, stream))
    say(count(number, options.name.removesuffix("s")))


async def _write(client: Client, options: Options, form: str, stream: IO[str]) -> int:
    """Write the entries as they come, and return how many there are."""
    number = 0
    created = options.created
    if form == "csv":
        stream.write(_HEADERS[options.name] + "\n")
    async with client:
        entries = (
            client.groups()
            if options.name == "groups"
            else client.links(created=None if created is None else (created.start, created.end))
        )
        async with aclosing(entries):
            async for entry in entries:
                number += 1
                stream.write((_row(entry) if form == "csv" else json.dumps(_object(entry))) + "\n")
    return number


def tell(event: Event) -> None:
    """Say on stderr what delays a list."""
    match event:
        case ClockSkew():
            say(event.message)
        case Paused():
            say(f"paused for {duration(event.seconds)}: {event.why}")
        case PageAttemptFailed():
            say(f"page {event.page} of the {event.name} again: {event.error}")


def _row(entry: ListedLink | ListedGroup) -> str:
    """Return an entry as a row; text is in quotes, so that it is read to the letter."""
    since = "" if entry.created is None else str(entry.created.date())
    if isinstance(entry, ListedLink):
        return f"{_quoted(str(entry.target))},{since},{_quoted(entry.title)}"
    links = "" if entry.links is None else str(entry.links)
    return f"{_quoted(str(entry.target))},{since},{_quoted(entry.name)},{links}"


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _object(entry: ListedLink | ListedGroup) -> dict[str, Any]:
    """Return an entry as values that JSON can hold."""
    created = None if entry.created is None else entry.created.isoformat()
    named = {"target": str(entry.target), "created": created}
    if isinstance(entry, ListedLink):
        return {**named, "id": entry.target.id, "domain": entry.target.domain, "title": entry.title}
    return {**named, "idx": entry.target.idx, "name": entry.name, "links": entry.links}
