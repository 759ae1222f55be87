"""Options for the address of the API, the key, the time zone and the User-Agent; a command gets one value."""

from __future__ import annotations

import datetime as dt
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from hourlyclicks.cli.options.types import path_type
from hourlyclicks.errors import UsageError
from hourlyclicks.model.questions import EndpointChoice
from hourlyclicks.model.zones import as_zone
from hourlyclicks.pacing.plans import Plan, longest_range

if TYPE_CHECKING:
    from hourlyclicks.cli.options.limits import RateOptions
    from hourlyclicks.cli.options.types import Command
    from hourlyclicks.client import Client
    from hourlyclicks.events import Hook
    from hourlyclicks.fetching.retry import RetryPolicy


@attrs.frozen
class Access:
    """How to reach the API, and as which client.

    Args:
        zone: the account's time zone, if it is known.
        user_agent: the name of the application.
        base_url: where the API is.
        key_file: where the key is, if that was said.
        proxy: the proxy on the way, if there is one; it may hold a password.
        endpoint: which version of the endpoint to ask.
    """

    zone: dt.tzinfo | None
    user_agent: str | None
    base_url: str
    key_file: Path | None
    proxy: str | None = attrs.field(default=None, repr=False)
    endpoint: EndpointChoice = "v2"

    def requests(self, days: int, rate: RateOptions) -> int:
        """Return about how many requests so many days of one target take."""
        return days if self.endpoint == "v2" else self.range_requests(days, rate)

    def range_requests(self, days: int, rate: RateOptions) -> int:
        """Return about how many requests for ranges so many days of one target take."""
        return -(-days // longest_range(rate.plan or Plan.PERSONAL).usual_days)

    def client(  # the arguments of `Client` that are left
        self,
        key: str,
        *,
        rate: RateOptions,
        retry: RetryPolicy,
        on_event: Hook,
        store: str | None = None,
        account: str | None = None,
    ) -> Client:
        """Make a client; one that knows the plan if the limits are those of the plan."""
        from hourlyclicks.client import Client  # noqa: PLC0415 - the help of a command needs none

        published = rate.plan is not None and rate.limits == rate.plan.limits
        return Client(
            key,
            plan=rate.plan if published else None,
            limits=None if published else rate.limits,
            endpoint=self.endpoint,
            base_url=self.base_url,
            proxy=self.proxy,
            retry=retry,
            user_agent=self.user_agent,
            timezone=self.zone,
            store=store,
            account=account,
            on_event=on_event,
        )


def with_endpoint(command: Command) -> Command:
    """Add ``--endpoint``; the command takes ``endpoint``."""
    return click.option(
        "--endpoint",
        type=click.Choice(["v2", "v3", "auto"]),
        default="v2",
        show_default=True,
        help="One day a request (v2) or a range of days (v3); auto: v3 where it works.",
    )(command)


def with_access(command: Command) -> Command:
    """Add options for the API's address, the key, the zone and the sender's name; it takes ``access``."""
    named = click.option("--key-file", metavar="FILE", type=path_type(), help="Read the API key from FILE.")
    return with_keyless_access(named(command))


def with_keyless_access(command: Command) -> Command:
    """Add the options of `with_access` except the one for the key; the command takes ``access``."""

    @click.option("--timezone", metavar="ZONE", help="The account's time zone, such as Asia/Seoul.")
    @click.option(
        "--user-agent", metavar="NAME", help="The name of your application, for the User-Agent header."
    )
    @click.option(
        "--base-url",
        metavar="URL",
        default="https://vivoldi.com",
        show_default=True,
        help="The base URL of the API.",
    )
    @click.option(
        "--proxy",
        metavar="URL",
        help="An HTTP proxy. If the option is omitted, HTTPS_PROXY and NO_PROXY are used.",
    )
    @functools.wraps(command)
    def folded(
        *args: Any,  # noqa: ANN401 - whatever the command takes
        timezone: str | None,
        user_agent: str | None,
        base_url: str,
        proxy: str | None,
        key_file: Path | None = None,  # of the commands for one account
        endpoint: EndpointChoice = "v2",  # of the commands that have `with_endpoint`
        **rest: Any,  # noqa: ANN401 - likewise
    ) -> Any:  # noqa: ANN401 - likewise
        access = Access(as_zone(timezone), user_agent, base_url, key_file, _proxy(proxy, base_url), endpoint)
        return command(*args, access=access, **rest)

    return folded


def _proxy(option: str | None, base_url: str) -> str | None:
    """Return the proxy that the option or the environment names.

    Raises:
        UsageError: it cannot be used, or its password would be visible to every user of the machine.
    """
    from hourlyclicks.transport.proxies import (  # noqa: PLC0415 - the help of a command needs none
        environment_proxy,
        proxy_url,
    )

    if option is not None:
        if proxy_url(option).password is not None:
            raise UsageError("--proxy shows its password to every user of this machine: set HTTPS_PROXY")
        return option
    named = environment_proxy(base_url)
    if named is not None:
        try:
            proxy_url(named)
        except UsageError as error:
            raise UsageError(f"HTTPS_PROXY or ALL_PROXY cannot be used: {error}") from None
    return named
