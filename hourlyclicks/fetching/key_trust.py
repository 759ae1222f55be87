"""Whether the API key is rejected.

Before any day was answered, a 401 or 403 means that the key is wrong. So does a ``code`` about the key, once
it has come a few times: together with the requests in flight, after five. To a request that names nothing
that could be meant instead, as that for the list of groups, one such response is enough. After days were
answered, one such response proves nothing, since a firewall with a rate limit or a failing identity provider
sends it, too: all requests pause as after a 429, and a probe decides.
"""

from __future__ import annotations

from enum import Enum, auto
from http import HTTPStatus
from typing import TYPE_CHECKING

from hourlyclicks.errors import ApiError, AuthenticationError
from hourlyclicks.model.rejections import likeness
from hourlyclicks.wire.credentials import speaks_of_key

if TYPE_CHECKING:
    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.model.rejections import Likeness

_MOST_DENIALS = 5
"""How many requests show that the API rejects the key."""


class Doubt(Enum):
    """What to do about a response."""

    NONE = auto()
    """Nothing: it is not about the key, or only about its own day."""
    ASK_AGAIN = auto()
    """Send the request again: it was sent before the present pause."""
    PAUSE = auto()
    """Pause all requests, then send the request again."""


class KeyTrust:
    """What one client knows of its key.

    Args:
        concurrency: how many requests may be in flight at a time.
    """

    def __init__(self, concurrency: int) -> None:
        self.certain = False
        """Whether the last response that shows it accepted the key."""
        self._accepted = False
        self._denials = max(1, _MOST_DENIALS + 1 - concurrency)
        self._doubted: int | None = None
        self._paused: set[Likeness] = set()

    def accept(self) -> None:
        """Note that a day was answered."""
        self.certain = self._accepted = True
        self._doubted = None

    def doubt(self, error: HourlyClicksError, *, sent: int, epoch: int, bare: bool = False) -> Doubt:
        """Decide what an error means for the key.

        Args:
            error: the error, with its day and target.
            sent: how many pauses there had been when its request was sent.
            epoch: how many there are now.
            bare: whether the request names nothing that could be meant instead.

        Raises:
            HourlyClicksError: the key is wrong; fatal.
        """
        if isinstance(error, AuthenticationError):
            return self._doubt_status(error, sent, epoch)
        if isinstance(error, ApiError) and speaks_of_key(error):
            return self._doubt_code(error, sent, epoch, bare=bare)
        return Doubt.NONE

    def denies(self, error: HourlyClicksError) -> bool:
        """Return whether an error is about the key, and no day was answered yet that proves otherwise."""
        return not self._accepted and isinstance(error, ApiError) and speaks_of_key(error)

    def paused(self, epoch: int) -> None:
        """Note that all requests pause because of a doubt; `epoch` is the number of that pause."""
        self._doubted, self.certain = epoch, False

    def _doubt_status(self, error: AuthenticationError, sent: int, epoch: int) -> Doubt:
        if not self._accepted or (self._doubted is not None and sent >= self._doubted):
            raise error
        return Doubt.ASK_AGAIN if sent < epoch else Doubt.PAUSE

    def _doubt_code(self, error: ApiError, sent: int, epoch: int, *, bare: bool) -> Doubt:
        plain = error.code == HTTPStatus.UNAUTHORIZED or _message_is_about_key(error)
        if not self._accepted:
            self._denials -= 1
            if self._denials <= 0 or (plain and bare):
                raise _as_fatal(error, plain=plain)
            return Doubt.NONE
        like = likeness(error)
        if not plain or like in self._paused:
            return Doubt.NONE
        if sent < epoch:
            return Doubt.ASK_AGAIN
        self._paused.add(like)
        return Doubt.PAUSE


def rejects_key(error: HourlyClicksError) -> bool:
    """Return whether an error that ends a call means that no later call can succeed with this key.

    A code 403 may be about what was requested: the next call may try, and ends after a single request.
    """
    return isinstance(error, AuthenticationError) and error.code != HTTPStatus.FORBIDDEN


def _message_is_about_key(error: ApiError) -> bool:
    """Return whether the message of a rejection is about the key, whatever its code."""
    words = ApiError(error.message, code=0, status=error.status)
    words.target = error.target
    return speaks_of_key(words)


def _as_fatal(error: ApiError, *, plain: bool) -> AuthenticationError:
    """Return a rejection of the key as the fatal error of the call."""
    said = (
        "the API does not accept the API key"
        if plain
        else "the API rejects the API key, or its plan does not include what was requested"
    )
    ending = AuthenticationError(f"{said}: {error}", status=error.status, code=error.code)
    ending.day, ending.target = error.day, error.target
    return ending
