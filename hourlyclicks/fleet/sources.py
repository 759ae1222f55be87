"""Where the jobs of a run come from: an iterable, an async iterable, or a reference to a function."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterable, Collection, Iterable
from contextlib import AsyncExitStack
from typing import TypeAlias

import attrs

from hourlyclicks.errors import UsageError
from hourlyclicks.fleet.accounts import AccountJob
from hourlyclicks.fleet.function_names import check_function, find_function, shown_args


@attrs.frozen(init=False, repr=False)
class JobsRef:
    """Refer to a function that returns the jobs, in any module that the process can import.

    In place of a long list, this is what travels to the workers of a cluster: each of them calls the function
    and takes its part of the accounts, by their names.

    Args:
        function: ``"module:function"``; it returns the jobs as `run_jobs` takes them, or is a coroutine
            function that does, or an async generator.
        args: its arguments, texts and whole numbers.

    Raises:
        UsageError: that names no function, or an argument is neither text nor a whole number.
    """

    function: str
    args: tuple[str | int, ...]

    def __init__(self, function: str, *args: str | int) -> None:
        check_function("JobsRef", "shop.customers:jobs", function, args)
        self.__attrs_init__(function, args)

    async def jobs(self) -> Iterable[AccountJob] | AsyncIterable[AccountJob]:
        """Call the function.

        Raises:
            UsageError: it cannot be imported, or returns no jobs.
        """
        found = find_function(self.function, self)(*self.args)
        return checked(await found if inspect.isawaitable(found) else found)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, (self.function, *self.args)))})"

    def __str__(self) -> str:
        return f"{self.function}{shown_args(self.args)}"


JobsInHand: TypeAlias = "Iterable[AccountJob] | AsyncIterable[AccountJob]"
Jobs: TypeAlias = "JobsInHand | JobsRef"


def checked(jobs: JobsInHand) -> JobsInHand:
    """Return jobs that are read as they are needed; those of a collection are checked before.

    Raises:
        UsageError: they are none, or two of them are for one account.
    """
    given: object = jobs
    if isinstance(given, str | AccountJob) or not isinstance(given, Iterable | AsyncIterable):
        raise UsageError(f"jobs are several, such as [AccountJob(...)], not {given!r}")
    if isinstance(given, Collection):
        names: set[str] = set()
        for job in given:
            _check(job, names)
    return jobs


async def jobs_in_hand(jobs: Jobs) -> JobsInHand:
    """Return the jobs of a reference; others as they are, once they were checked.

    Raises:
        UsageError: they are none, or two of them are for one account.
    """
    return await jobs.jobs() if isinstance(jobs, JobsRef) else checked(jobs)


async def all_jobs(jobs: Jobs) -> AsyncGenerator[AccountJob, None]:
    """Yield the jobs, and close an async generator of them, which may have a connection to a database.

    Raises:
        UsageError: one of them is none, or its name has occurred before.
    """
    names: set[str] = set()
    source = await jobs.jobs() if isinstance(jobs, JobsRef) else jobs
    async with AsyncExitStack() as opened:
        if isinstance(source, AsyncGenerator):
            opened.push_async_callback(source.aclose)
        if isinstance(source, AsyncIterable):
            async for job in source:
                yield _check(job, names)
        else:
            for job in source:
                yield _check(job, names)


def _check(job: AccountJob, names: set[str]) -> AccountJob:
    """Return a job that is one, and whose name is new.

    Raises:
        UsageError: it is none, or its name has occurred before.
    """
    if not isinstance(job, AccountJob):
        raise UsageError(f"jobs are AccountJob values, not {type(job).__name__}")
    if job.name in names:
        raise UsageError(f"there are two jobs for the account {job.name!r}")
    names.add(job.name)
    return job
