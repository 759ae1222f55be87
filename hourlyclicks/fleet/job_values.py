"""A job as values that JSON can hold, for queues that keep the arguments of their tasks as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hourlyclicks.errors import UsageError
from hourlyclicks.fleet.accounts import AccountJob
from hourlyclicks.fleet.keys import KeyRef
from hourlyclicks.model.targets import as_target
from hourlyclicks.pacing.plans import Limits, Plan, Rate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hourlyclicks.model.targets import Target

_MAKERS = {"env": KeyRef.env, "file": KeyRef.file, "call": KeyRef.call}


def as_values(job: AccountJob) -> dict[str, Any]:
    """Return a job as values of JSON; what it leaves open is left out."""
    key, limits = job.key, job.limits
    values = {
        "name": job.name,
        "key": [key.kind, key.where, *key.args],
        "targets": [_as_value(target, job) for target in job.targets],
        "plan": None if job.plan is None else job.plan.value,
        "start": None if job.start is None else str(job.start),
        "end": None if job.end is None else str(job.end),
        "timezone": job.timezone,
        "limits": None
        if limits is None
        else {
            "rates": [[rate.requests, rate.seconds] for rate in limits.rates],
            "concurrency": limits.concurrency,
            "guard": limits.guard,
            "spacing": limits.spacing,
        },
    }
    return {name: value for name, value in values.items() if value is not None}


def from_values(values: Mapping[str, Any]) -> AccountJob:
    """Return the job that `as_values` wrote.

    Raises:
        UsageError: it is none.
    """
    try:
        given = dict(values)
        kind, *where = given.pop("key")
        targets, plan, limits = given.pop("targets"), given.pop("plan", None), given.pop("limits", None)
        return AccountJob(
            given.pop("name"),
            key=_MAKERS[kind](*where),
            targets=[_from_value(target) for target in targets],
            plan=None if plan is None else Plan(plan),
            limits=None if limits is None else _limits(**limits),
            **given,
        )
    except UsageError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"no job of an account: {type(error).__name__} in its values") from None


def _as_value(target: Target, job: AccountJob) -> str | list[str]:
    """Return a target, with its first day if it has one."""
    first = job.since.get(target)
    return str(target) if first is None else [str(target), str(first)]


def _from_value(value: str | list[str]) -> Target | tuple[Target, str]:
    if isinstance(value, str):
        return as_target(value)
    target, first = value
    return as_target(target), first


def _limits(rates: list[list[float]], **limits: Any) -> Limits:  # noqa: ANN401 - `Limits` checks them
    return Limits(tuple(Rate(int(requests), seconds) for requests, seconds in rates), **limits)
