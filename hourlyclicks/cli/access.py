"""Options that say where the API is and who asks; they arrive in the command as one value."""

from __future__ import annotations

import datetime as dt
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from hourlyclicks.cli.options import path_type
from hourlyclicks.client import Client
from hourlyclicks.model.dates import as_zone

if TYPE_CHECKING:
    from hourlyclicks.cli.options import Command
    from hourlyclicks.events import Hook
    from hourlyclicks.net.retry import RetryPolicy
    from hourlyclicks.pacing.plans import Limits


@attrs.frozen
class Access:
    """Where the API is, and who asks.

    Args:
        zone: the account's time zone, if it is known.
        user_agent: the name of the application.
        base_url: where the API is.
        key_file: where the key is, if that was said.
    """

    zone: dt.tzinfo | None
    user_agent: str | None
    base_url: str
    key_file: Path | None

    def client(  # the arguments of `Client` that are left
        self,
        key: str,
        *,
        limits: Limits,
        retry: RetryPolicy,
        on_event: Hook,
        store: str | None = None,
        account: str | None = None,
    ) -> Client:
        """Make a client."""
        return Client(
            key,
            limits=limits,
            base_url=self.base_url,
            retry=retry,
            user_agent=self.user_agent,
            timezone=self.zone,
            store=store,
            account=account,
            on_event=on_event,
        )


def with_access(command: Command) -> Command:
    """Add options for the API's address, the key, the zone and the sender's name; it takes ``access``."""

    @click.option("--timezone", metavar="ZONE", help="The account's time zone, such as Asia/Seoul.")
    @click.option("--user-agent", metavar="NAME", help="The name of your application, sent to the server.")
    @click.option(
        "--base-url",
        metavar="URL",
        default="https://vivoldi.com",
        show_default=True,
        help="Where the API is.",
    )
    @click.option("--key-file", metavar="FILE", type=path_type(), help="Read the API key from here.")
    @functools.wraps(command)
    def folded(
        *args: Any,  # noqa: ANN401 - whatever the command takes
        timezone: str | None,
        user_agent: str | None,
        base_url: str,
        key_file: Path | None,
        **rest: Any,  # noqa: ANN401 - likewise
    ) -> Any:  # noqa: ANN401 - likewise
        access = Access(as_zone(timezone), user_agent, base_url, key_file)
        return command(*args, access=access, **rest)

    return folded
