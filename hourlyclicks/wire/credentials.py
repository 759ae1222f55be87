"""Whether a rejection by the API is about the key, in whatever words.

The vendor publishes no codes. The code of a rejected key may repeat the HTTP status for it (401, 403); else
only the message tells, in English or Korean (``Accept-Language`` chooses). A message also quotes what was
asked for, and a link id can hold the word "key": quoted text, and the id itself, do not count.
"""

from __future__ import annotations

import re
import unicodedata
from http import HTTPStatus
from typing import TYPE_CHECKING

from hourlyclicks.model.targets import Link

if TYPE_CHECKING:
    from hourlyclicks.errors import ApiError
    from hourlyclicks.model.targets import Target

_CODES = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_QUOTED = (
    r"""(?<!\w)'[^']*'(?!\w)|"[^"]*"|`[^`]*`|\u2018[^\u2019]*\u2019|\u201c[^\u201d]*\u201d"""
    r"""|«[^»]*»|「[^」]*」|『[^』]*』|\[[^\]]*\]"""
)
_PLACEHOLDER = "\0"
_BAD = (
    r"invalid|unknown|no\s+such|wrong|bad|expired|revoked|disabled|inactive|incorrect|unrecogni[sz]ed"
    r"|unregistered"
)
_NOT = r"not\s+(?:valid|registered|recogni[sz]ed|accepted|active|authori[sz]ed)"
_NOT_A_KEY = rf"(?!\s*[:=]?\s*{_PLACEHOLDER})"  # "invalid key 'from'" is about a parameter
_ENGLISH = (
    r"\bapi[\s_-]*(?:keys?|tokens?)\b",
    r"\b(?:access|secret|subscription|auth|authentication|authori[sz]ation)[\s_-]*(?:keys?|tokens?)\b",
    rf"\b(?:{_BAD})\s+(?:keys?|(?:bearer\s+)?tokens?)\b{_NOT_A_KEY}",
    rf"(?<!link\s)(?<!group\s)(?<!short\s)\bkey\s+(?:(?:is|was|has|has\s+been)\s+)?(?:{_NOT}|{_BAD})\b",
    r"\bun-?auth(?:ori[sz]ed|enticated)\b",
    r"\bnot\s+auth(?:ori[sz]ed|enticated)\b",
    r"\bauthenticat(?:e|ion)\b",
    r"\bauthori[sz]ation\b",
    r"\bcredentials?\b",
)
_KOREAN = (
    r"(?:api|인증|액세스|엑세스|접근|접속|비밀|시크릿|보안)\s*키(?!워드)",
    r"(?:유효하지\s*않은|올바르지\s*않은|잘못된|만료된|등록되지\s*않은|존재하지\s*않는|알\s*수\s*없는)\s*키(?!워드)",
    r"(?<![가-힣])키[가는를]\s*(?:유효|올바르|잘못|만료|등록|일치|폐기)",
    r"인증",
    r"인가되지|비인가|미인가",
    r"(?:액세스|엑세스|접근|인증|api)\s*토큰",
)
_SPEAKS = "|".join((*_ENGLISH, *_KOREAN))


def speaks_of_key(error: ApiError) -> bool:
    """Return whether the API rejected the key and not the day.

    Args:
        error: a rejection. One without a ``code`` comes from a gateway and tells nothing; a link id counts
            as quoted if the error knows its target.
    """
    if error.code is None:
        return False
    if error.code in _CODES:
        return True
    return _speaks(_without_id(_plain(error.message), error.target))


def _speaks(text: str) -> bool:
    return re.search(_SPEAKS, re.sub(_QUOTED, _PLACEHOLDER, text)) is not None


def _without_id(message: str, target: Target | None) -> str:
    """Take the id of a link out of a message if it is the id that sounds like a key.

    Any other id stays, since it may be a common word of the message itself.
    """
    link = _plain(target.id) if isinstance(target, Link) else ""
    return message.replace(link, _PLACEHOLDER) if link and _speaks(link) else message


def _plain(text: str) -> str:
    """Return text in one spelling: Hangul composed, letters of full width narrow, all in lower case."""
    return unicodedata.normalize("NFKC", text).casefold()
