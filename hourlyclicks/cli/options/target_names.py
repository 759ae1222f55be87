"""A link as people write it: its id, or the whole address that a browser shows.

In an address, percent-escapes are decoded. An id is taken as it stands, since it may hold any character.
What can only be a slip is refused, what may be one is warned of.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import quote, unquote

from hourlyclicks.errors import UsageError
from hourlyclicks.model.spelling import composed, has_blank_ends, hidden, unescaped
from hourlyclicks.model.targets import Group, Link, as_target

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hourlyclicks.model.targets import Target

Warn: TypeAlias = Callable[[str], object]
"""Called with a sentence about what may be a slip."""

_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")
_ADDRESS = re.compile(r"([^:]*://[^/?#]*)/?([^?#]*)(.*)", re.DOTALL)
_LONGEST = 100
_SEVERAL = re.compile(r"[,;\s]")
_STRAY = re.compile(r"%(?![0-9a-fA-F]{2})")


def read_link(text: str, domain: str | None, warn: Warn) -> Link:
    """Read a link's id, or its whole address.

    Args:
        text: what was written.
        domain: the domain that was named beside it.
        warn: told what may be a slip.

    Raises:
        UsageError: it is neither, has no domain, or contradicts the one that was named.
    """
    check_spelling(text)
    if _SCHEME.match(text):
        return _read_address(text, domain)
    if "://" in text:
        raise UsageError(f"{shown(text)} is no id, since it contains an address; write a comma between cells")
    if domain is None:
        raise UsageError(f"the link {shown(text)} has no domain")
    link = Link(text, domain)
    host = link.domain.partition("://")[2]
    if text.startswith("//") or text.lower().startswith(host + "/"):
        raise UsageError(
            f"{shown(text)} is no id; write the whole address, with its scheme: https://vvd.bz/kYdr"
        )
    if _SEVERAL.search(text):
        warn(f"{shown(text)} is taken as the id of one link; several are named one by one")
    _warn_of_escapes(text, link.id, warn)
    return link


def _read_address(text: str, domain: str | None) -> Link:
    found = _ADDRESS.fullmatch(text)
    assert found is not None  # noqa: S101 - it begins with a scheme
    origin, path, rest = found.groups()
    if "@" in origin:
        raise UsageError("the address of a link has no user name in front of its host: leave it out")
    if rest:
        raise UsageError(f"{shown(text)} has more behind the link: leave {rest[0]!r} and the rest out")
    if not path:
        raise UsageError(f"{shown(text)} is the address of no link: its id is missing")
    if path.endswith("/"):
        raise UsageError(
            f"{shown(text)} ends with a slash: leave it out, or write %2F if the id ends with one"
        )
    if _STRAY.search(path):
        raise UsageError(f"{shown(text)} has a % that begins no escape: in an address, it is written %25")
    try:
        link = Link(unquote(path, errors="strict"), origin)
    except UnicodeDecodeError:
        raise UsageError(f"the escapes in {shown(text)} are not UTF-8") from None
    if domain is not None and Link("x", domain).domain != link.domain:
        raise UsageError(f"{shown(text)} is no link of {domain}, the domain that is named beside it")
    return link


def read_target(text: str, warn: Warn) -> Target:
    """Read a target as an export writes it: to the letter.

    Args:
        text: what was written.
        warn: told what may be a slip.

    Raises:
        UsageError: it is none.
    """
    target = as_target(text)
    if isinstance(target, Link):
        if has_blank_ends(target.id) or hidden(target.id) is not None:
            warn(f"the id in {shown(text)} is taken with its blanks and characters that cannot be seen")
        _warn_of_escapes(text, target.id, warn)
    return target


def words_for(target: Target) -> list[str]:
    """Return the options that name a target on the command line."""
    if isinstance(target, Group):
        return ["--group", str(target.idx)]
    if not isinstance(target, Link):
        return ["--account"]
    if _reads_back(target):
        return ["--link", target.id, "--domain", target.domain]
    return ["--link", f"{target.domain}/{quote(target.id, safe='')}"]


def _reads_back(link: Link) -> bool:
    """Return whether a link is named by its id; else its address names it."""
    try:
        return not has_blank_ends(link.id) and read_link(link.id, link.domain, lambda _: None) == link
    except UsageError:
        return False


def shown(text: str) -> str:
    """Return the beginning of a text in quotes, so that what is said about it is not cut off."""
    return repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")


def check_spelling(text: str) -> None:
    """Raise `UsageError` if there are characters in a text that people do not see."""
    if (char := hidden(text)) is not None:
        escape = quote(char)
        raise UsageError(
            f"{shown(text)} holds the character U+{ord(char):04X}, which cannot be seen: remove it, or write"
            f" the whole address of the link with {escape} in its place"
        )


def _warn_of_escapes(text: str, name: str, warn: Warn) -> None:
    if (meant := unescaped(name)) is not None:
        warn(f"{shown(text)} is taken as it stands; {shown(meant)} is another link")


def warn_of_lookalikes(targets: Iterable[Target], warn: Warn) -> None:
    """Warn of links that print like others: whose ids are not in NFC, above all Hangul of single letters."""
    alike: dict[Link, Link] = {}
    for link in targets:
        if not isinstance(link, Link) or link.id.isascii():
            continue
        usual = Link(composed(link.id), link.domain)
        twin = alike.setdefault(usual, link)
        if twin != link:
            warn(f"{twin} and {link} print alike, and are two links: they differ in composition (NFC, NFD)")
        elif usual != link:
            warn(f"{link} is not composed (NFC); a link that prints like it and is composed is another one")
