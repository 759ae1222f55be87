"""Whether the API key is to be doubted.

Before anything was answered, a 401 or 403 says that the key is wrong. So does a ``code`` that speaks of the
key, once it has come a few times: with those under way, after five requests. After good answers, one such
answer proves nothing, since a firewall that counts or an identity provider that fails gives it, too: all
requests pause as after a 429, and a probe decides.
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

_MOST = 5
"""So many requests show that the API rejects the key."""


class Doubt(Enum):
    """What to do about an answer."""

    NONE = auto()
    """It is not about the key, or only about its own day."""
    ASK_AGAIN = auto()
    """Ask again: it came from before the pause there is."""
    PAUSE = auto()
    """Pause all requests, then ask again."""


class KeyTrust:
    """What one client knows of its key.

    Args:
        concurrency: how many requests may be under way at a time.
    """

    def __init__(self, concurrency: int) -> None:
        self.certain = False
        """Whether the key was accepted by the last answer that tells."""
        self._accepted = False
        self._denials = max(1, _MOST + 1 - concurrency)
        self._doubted: int | None = None
        self._paused: set[Likeness] = set()

    def accept(self) -> None:
        """Note that a day was answered."""
        self.certain = self._accepted = True
        self._doubted = None

    def doubt(self, error: HourlyClicksError, *, sent: int, epoch: int) -> Doubt:
        """Decide what an error means for the key.

        Args:
            error: the error, with its day and target.
            sent: how many pauses there had been when its request was sent.
            epoch: how many there are now.

        Raises:
            HourlyClicksError: the key is wrong; fatal.
        """
        if isinstance(error, AuthenticationError):
            return self._doubt_status(error, sent, epoch)
        if isinstance(error, ApiError) and speaks_of_key(error):
            return self._doubt_code(error, sent, epoch)
        return Doubt.NONE

    def paused(self, epoch: int) -> None:
        """Note that all requests pause because of a doubt; `epoch` is the number of that pause."""
        self._doubted, self.certain = epoch, False

    def _doubt_status(self, error: AuthenticationError, sent: int, epoch: int) -> Doubt:
        if not self._accepted or (self._doubted is not None and sent >= self._doubted):
            raise error
        return Doubt.ASK_AGAIN if sent < epoch else Doubt.PAUSE

    def _doubt_code(self, error: ApiError, sent: int, epoch: int) -> Doubt:
        plain = error.code == HTTPStatus.UNAUTHORIZED or _in_words(error)
        if not self._accepted:
            self._denials -= 1
            if self._denials <= 0:
                raise _ending(error, plain=plain)
            return Doubt.NONE
        like = likeness(error)
        if not plain or like in self._paused:
            return Doubt.NONE
        if sent < epoch:
            return Doubt.ASK_AGAIN
        self._paused.add(like)
        return Doubt.PAUSE


def condemns(error: HourlyClicksError) -> bool:
    """Return whether no later call can succeed with this key, as far as an error that ends a call tells.

    A code 403 may be about what was asked for: the next call may try, and ends after a single request.
    """
    return isinstance(error, AuthenticationError) and error.code != HTTPStatus.FORBIDDEN


def _in_words(error: ApiError) -> bool:
    """Return whether a rejection speaks of the key in its message, whatever its code."""
    words = ApiError(error.message, code=0, status=error.status)
    words.target = error.target
    return speaks_of_key(words)


def _ending(error: ApiError, *, plain: bool) -> AuthenticationError:
    """Return a rejection of the key as the error that ends the call."""
    said = (
        "the API does not accept the API key"
        if plain
        else "the API refuses the API key, or what its plan does not include"
    )
    ending = AuthenticationError(f"{said}: {error}", status=error.status, code=error.code)
    ending.day, ending.target = error.day, error.target
    return ending
