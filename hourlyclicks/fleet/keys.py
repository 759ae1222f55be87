"""References to API keys: where a key is, in place of the key.

A job travels: as an argument of a task, in a pickle, over the network of a cluster, into its dashboard and
its logs. So it carries no key, only where the process that runs it finds the key. The key is read when the
account begins, and exists in that process alone.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import re
from pathlib import Path
from typing import Literal, Self, TypeAlias

import attrs

from hourlyclicks.errors import HourlyClicksError, UsageError, name_of
from hourlyclicks.fleet.function_names import check_function, find_function, shown_args
from hourlyclicks.model.checks import check_name
from hourlyclicks.wire.key import Secret
from hourlyclicks.wire.key_file import read_secret
from hourlyclicks.wire.pasted_key import unwrap_key

_log = logging.getLogger("hourlyclicks")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_Kind: TypeAlias = Literal["env", "file", "call"]


@attrs.frozen
class KeyRef:
    """Where an API key is, or the address of a store; made by `env`, `file` or `call`.

    A reference can be pickled. It shows itself as it was made, and never what it refers to.

    Args:
        kind: ``"env"``, ``"file"`` or ``"call"``.
        where: the name of the variable, the path of the file, or ``module:function``.
        args: the arguments of the function.
    """

    kind: _Kind
    where: str
    args: tuple[str | int, ...] = ()

    @classmethod
    def env(cls, name: str) -> Self:
        """Refer to an environment variable, of the process that runs the job.

        Raises:
            UsageError: that is no name of a variable; it is not repeated, since it may be the key itself.
        """
        given: object = name
        if not isinstance(given, str) or not _VARIABLE.fullmatch(given):
            del name, given
            raise UsageError("KeyRef.env takes the name of an environment variable, such as 'ACME_KEY'")
        return cls("env", name)

    @classmethod
    def file(cls, path: str | os.PathLike[str]) -> Self:
        """Refer to a file, on the machine that runs the job; it must be readable by its owner only.

        Raises:
            UsageError: that is no path.
        """
        where = os.fspath(path)
        check_name("the path of a key file", where)
        return cls("file", where)

    @classmethod
    def call(cls, function: str, *args: str | int) -> Self:
        """Refer to a function that returns the key, in any module that the process can import.

        An ordinary function is called in a thread, so it may ask a vault; an async function is awaited. What
        it raises is reported by the class of the exception and the place, without its message, which might
        repeat the key.

        Args:
            function: ``"module:function"``.
            args: its arguments; they are shown wherever the reference is.

        Raises:
            UsageError: that names no function, or an argument is neither text nor a whole number.
        """
        check_function("KeyRef.call", "shop.secrets:key_of", function, args)
        return cls("call", function, args)

    async def key(self) -> Secret:
        """Return the API key.

        Raises:
            UsageError: there is none, or it cannot be one; the error names the reference.
        """
        key = unwrap_key(await self.text(), f"the API key of {self}")
        if not key:
            raise UsageError(f"no API key: {self} is empty")
        return key

    async def text(self) -> Secret:
        """Return what the reference refers to.

        Raises:
            UsageError: it is not there.
        """
        if self.kind == "env":
            if self.where not in os.environ:
                raise UsageError(f"the environment variable {self.where} is not set")
            return Secret(os.environ[self.where])
        if self.kind == "file":
            return await asyncio.to_thread(read_secret, Path(self.where), named=True, warn=_log.warning)
        return await self._called()

    async def _called(self) -> Secret:
        """Return what the function returns."""
        function, found, failure = find_function(self.where, self), None, ""
        try:
            if inspect.iscoroutinefunction(function):
                found = await function(*self.args)
            else:
                found = await asyncio.to_thread(function, *self.args)
        except HourlyClicksError:
            raise
        except Exception as error:  # noqa: BLE001 - a function of the user can raise anything
            failure = name_of(error)
        if failure:
            raise UsageError(f"{self} failed: {failure}")
        if not isinstance(found, str):
            raise UsageError(f"{self} returned {type(found).__name__}, and no text")
        return Secret(found)

    def __str__(self) -> str:
        return f"{self.kind}:{self.where}{shown_args(self.args)}"

    def __repr__(self) -> str:
        return f"KeyRef.{self.kind}({', '.join(map(repr, (self.where, *self.args)))})"
