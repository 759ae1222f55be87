"""The links and groups of an account, as its lists have them, page by page."""

from __future__ import annotations

import datetime as dt
from typing import Generic, TypeVar

import attrs

from hourlyclicks.model.targets import Group, Link

Entry_co = TypeVar("Entry_co", covariant=True)


@attrs.frozen
class ListedLink:
    """A link of the account.

    Args:
        target: the link.
        title: its title, which may be empty.
        created: when it was created, on the account's clock and without a zone; ``None``: it is not known.
    """

    target: Link
    title: str = ""
    created: dt.datetime | None = None


@attrs.frozen
class ListedGroup:
    """A group of the account.

    Args:
        target: the group.
        name: its name, which may be empty.
        links: how many links are in it; ``None``: it is not known.
        created: when it was created, likewise.
    """

    target: Group
    name: str = ""
    links: int | None = None
    created: dt.datetime | None = None


@attrs.frozen
class Page(Generic[Entry_co]):
    """A page of a list. Entries move between pages when others are added or removed meanwhile.

    Args:
        entries: what is on it, in the order of the list.
        next: the number of the next page; ``None``: it is the last one.
        total: how many entries all pages have; ``None``: it is not known.
    """

    entries: tuple[Entry_co, ...]
    next: int | None
    total: int | None
