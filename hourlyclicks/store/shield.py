"""Operations that are completed even if their caller is cancelled."""

from __future__ import annotations

import asyncio
from typing import TypeVar

T = TypeVar("T")


async def wait_shielded(job: asyncio.Future[T]) -> T:
    """Wait for an operation, which continues when the caller is cancelled."""
    try:
        return await asyncio.shield(job)
    except asyncio.CancelledError:
        job.add_done_callback(_seen)
        raise


def _seen(job: asyncio.Future[T]) -> None:
    """Retrieve the exception of an operation without a caller, so that asyncio does not log it."""
    if not job.cancelled():
        job.exception()
