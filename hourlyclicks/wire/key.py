r"""The API key as a value that does not show itself.

The key exists in clear at three places only: inside an `ApiKey`, as the value of the ``Authorization``
header, which is a `Secret`, and in the header bytes of the fast path, which are `SecretBytes`. None of them
has a telling ``repr``, so logs, tracebacks with locals and debuggers show ``***``, and none can be pickled. A
server may still send the key back; `ApiKey.scrub` takes it out of such text, also when it was percent-encoded
or escaped for JSON or HTML on the way.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import NoReturn

from hourlyclicks.errors import UsageError
from hourlyclicks.model.fingerprints import keyed_hash

KEY_VARIABLE = "HOURLYCLICKS_API_KEY"
"""The environment variable that holds the API key."""

_FORM = r"[\x21-\x7e]{8,512}"
_HIDDEN = "***"
_LONGEST_SPELLING = len("&#x00000041;")
"""More zeros, or more rounds of percent-encoding, than in `_spellings` are not looked for."""
_ENTITIES = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}


class Secret(str):
    """Text that shows itself as ``***`` and is a string in every other respect, as aiohttp wants a header."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(_HIDDEN)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, _memo: object) -> Secret:
        return self  # a copy in memory shows no more than it does itself

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("an API key is not written into pickles")


class SecretBytes(bytes):
    """Bytes that show themselves as ``***``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(_HIDDEN)

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("an API key is not written into pickles")


class ApiKey:
    """The key of an account.

    Args:
        text: 8 to 512 visible ASCII characters.

    Raises:
        UsageError: the text cannot be a key; the error does not repeat it.
    """

    def __init__(self, text: str) -> None:
        if not _is_key(text):
            del text  # it may be the key with a line feed behind it, and tracebacks can show locals
            raise UsageError("an API key is 8 to 512 visible ASCII characters, without spaces or line ends")
        self._text = Secret(text)

    def reveal(self) -> str:
        """Return the key in clear; only for the header it is made for."""
        return str(self._text)

    def fingerprint(self, salt: bytes) -> str:
        """Return what a store knows the account of this key by: 32 hexadecimal digits.

        Args:
            salt: random bytes of that store; in another one the same key has another fingerprint.
        """
        return keyed_hash(f"key {self._text}", salt)

    def scrub(self, text: str, limit: int | None = None) -> str:
        """Return the beginning of a text with ``***`` wherever it holds the key, in clear or escaped.

        Args:
            text: the text. Give `reach` characters more than the limit, so that a key across it is
                recognised.
            limit: how many characters of the text to keep; ``None``: all. The key is looked for at these
                places only, so that the work does not grow with the text.
        """
        if limit is None:
            return self._echo.sub(_HIDDEN, text)
        kept, place = [], 0
        while place < min(limit, len(text)):
            echo = self._echo.match(text, place)
            kept.append(text[place] if echo is None else _HIDDEN)
            place = place + 1 if echo is None else echo.end()
        return "".join(kept)

    @property
    def reach(self) -> int:
        """The most characters that the key takes in a text, when every one of it is escaped."""
        return len(self._text) * _LONGEST_SPELLING

    @cached_property
    def _echo(self) -> re.Pattern[str]:
        """What the key looks like in a text; most runs never need it."""
        return re.compile(_echo_of(self._text))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({_HIDDEN!r})"

    def __str__(self) -> str:
        return _HIDDEN

    def __format__(self, spec: str) -> str:
        return format(_HIDDEN, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ApiKey) and str(self._text) == str(other._text)

    def __hash__(self) -> int:
        return hash(str(self._text))

    def __copy__(self) -> ApiKey:
        return self

    def __deepcopy__(self, _memo: object) -> ApiKey:
        return self

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("an API key is not written into pickles")


def _is_key(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(_FORM, value) is not None


def _echo_of(key: str) -> str:
    r"""Return a pattern for the key in clear, or with some or all of it escaped for a URL, JSON or HTML.

    A backslash is one in clear and two in JSON. The two are told apart for the whole key, not for each
    backslash: a pattern that may try both every time takes exponential time on a row of them.
    """
    in_clear = "".join(_spellings(char, re.escape(char)) for char in key)
    in_json = "".join(_spellings(char, r"\\\\" if char == "\\" else rf"\\?{re.escape(char)}") for char in key)
    return f"{in_json}|{in_clear}"


def _spellings(char: str, plain: str) -> str:
    code = ord(char)
    digits = f"(?i:{code:02x})"
    names = f"#0{{0,6}}{code}|#[xX]0{{0,6}}{digits}|{_ENTITIES.get(char, f'#{code}')}"
    return rf"(?:(?:%(?:25){{0,4}}|\\u00|\\x){digits}|&(?:{names});|{plain})"
