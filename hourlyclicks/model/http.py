"""A request and a response as values, so that what decides about them needs no network.

They are not frozen, since each day makes both, and a frozen one costs more than twice as much.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from yarl import URL


@attrs.define
class Request:
    """One GET.

    Args:
        url: where to.
        headers: the header fields; they hold the API key and are therefore kept out of the repr.
    """

    url: URL
    headers: Mapping[str, str] = attrs.field(repr=False)


@attrs.define
class Response:
    """What came back, whole.

    Args:
        status: the HTTP status.
        headers: the header fields; looked up without regard to case.
        body: the decoded bytes (after gzip or deflate).
    """

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
