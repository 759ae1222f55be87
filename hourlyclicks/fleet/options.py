"""What the clients of all accounts of a run have in common."""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import TYPE_CHECKING

import attrs
from yarl import URL

from hourlyclicks.client import Client
from hourlyclicks.clock import SECOND, Clock
from hourlyclicks.coordination.shared_backend import request_life
from hourlyclicks.fetching.retry import RetryPolicy
from hourlyclicks.model.questions import EndpointChoice
from hourlyclicks.pacing.plans import Limits, Plan
from hourlyclicks.transport.protocol import Timeout

if TYPE_CHECKING:
    from hourlyclicks.events import Hook
    from hourlyclicks.fleet.accounts import AccountJob
    from hourlyclicks.store.protocol import Store
    from hourlyclicks.transport.protocol import Transport
    from hourlyclicks.wire.key import Secret


@attrs.frozen(kw_only=True)
class ClientOptions:
    """The options of `Client` that hold for every account.

    Args:
        base_url: the base URL of the API.
        retry: how often and when to retry.
        timeout: the time limits of each request.
        endpoint: which version of the endpoint for hours to ask.
        timezone: the time zone of accounts that name none.
        user_agent: the name of the application.
        limits: the limits of accounts that have neither a plan nor limits.
        allow_http: whether `base_url` may be plain http on another host than loopback.
        clock: measures time.
        random: draws the jitter of waits.
    """

    base_url: str | URL
    retry: RetryPolicy
    timeout: Timeout
    endpoint: EndpointChoice
    timezone: str | dt.tzinfo | None
    user_agent: str | None
    limits: Limits | None
    allow_http: bool
    clock: Clock
    random: Random | None

    def limits_of(self, job: AccountJob) -> Limits | None:
        """Return the limits of an account; ``None``: those of its plan, or of the most careful one."""
        return job.limits if job.plan is not None or job.limits is not None else self.limits

    def window_of(self, job: AccountJob) -> float:
        """Return the seconds after which no request of an account counts any more in its limits."""
        limits = self.limits_of(job) or (job.plan or Plan.PERSONAL).limits
        longest = max((rate.seconds for rate in limits.rates), default=0.0)
        return longest + limits.guard + request_life(self.timeout.total) / SECOND

    def client(
        self, job: AccountJob, key: Secret, *, store: Store, transport: Transport, on_event: Hook | None
    ) -> Client:
        """Return a client for an account.

        Raises:
            UsageError: an option is invalid.
            PlanError: the plan has no access to the API.
        """
        return Client(
            key,
            plan=job.plan,
            limits=self.limits_of(job),
            base_url=self.base_url,
            timeout=self.timeout,
            retry=self.retry,
            user_agent=self.user_agent,
            timezone=job.timezone or self.timezone,
            store=store,
            account=job.name,
            on_event=on_event,
            endpoint=self.endpoint,
            allow_http=self.allow_http,
            transport=transport,
            clock=self.clock,
            random=self.random,
        )
