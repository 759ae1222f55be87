"""The options of `run_jobs` that a task of an engine carries to another process."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from hourlyclicks.errors import UsageError
from hourlyclicks.fleet.keys import KeyRef
from hourlyclicks.pacing.plans import Rate, as_rate

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from yarl import URL

    from hourlyclicks.fetching.retry import RetryPolicy
    from hourlyclicks.model.questions import EndpointChoice
    from hourlyclicks.pacing.plans import Limits
    from hourlyclicks.transport.protocol import Timeout

STORE = KeyRef.env("HOURLYCLICKS_STORE")
"""Where the processes of an engine find the store, if nothing else is said."""


class TaskOptions(TypedDict, total=False):
    """The options of `run_jobs` that are plain values; sessions, clocks and hooks belong to one process."""

    name: str | None
    base_url: str | URL
    retry: RetryPolicy
    timeout: Timeout
    endpoint: EndpointChoice
    timezone: str | dt.tzinfo | None
    user_agent: str | None
    limits: Limits | None
    proxy: str | URL | None
    allow_http: bool


def check_options(options: Mapping[str, object]) -> None:
    """Raise `UsageError` if one of the options is none that a task can carry."""
    if foreign := sorted(options.keys() - TaskOptions.__annotations__.keys()):
        raise UsageError(f"a task cannot carry the option {foreign[0]!r}")


def share_of(rate: Rate | str | None, parts: int) -> Rate | None:
    """Return what each of several processes may send, so that all of them together keep a rate.

    Raises:
        UsageError: it is no rate.
    """
    if rate is None:
        return None
    whole = as_rate(rate)
    if whole.requests >= parts:
        return Rate(whole.requests // parts, whole.seconds)
    return Rate(1, whole.seconds * parts / whole.requests)
