"""What a backfill or a sync is told about its requests: which, in which order, how many, and by what name."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import attrs

from hourlyclicks.errors import UsageError
from hourlyclicks.model.checks import check_label, check_whole

Order: TypeAlias = Literal["oldest", "newest", "newest-day"]
"""The order of requests, target by target from the oldest or from the newest day, or day by day."""


@attrs.frozen
class RunOptions:
    """The options of a run.

    Args:
        order: the order of its requests.
        max_requests: how many it may send; ``None``: any number.
        name: the name by which other processes know it; ``None``: none.
        refresh: whether days are requested that are final in the store.
        retry_refused: whether days are requested that the API has rejected.

    Raises:
        UsageError: one of them is invalid.
    """

    order: Order = "oldest"
    max_requests: int | None = None
    name: str | None = None
    refresh: bool = False
    retry_refused: bool = False

    def __attrs_post_init__(self) -> None:
        if self.order not in get_args(Order):
            raise UsageError(f"order is 'oldest', 'newest' or 'newest-day', not {self.order!r}")
        if self.max_requests is not None:
            check_whole("max_requests", self.max_requests, least=0)
        if self.name is not None:
            check_label("name", self.name)
