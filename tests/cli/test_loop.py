"""The event loop of a command."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest

from hourlyclicks.cli import loop


async def which() -> str:
    """Return where the running loop comes from."""
    return type(asyncio.get_running_loop()).__module__.partition(".")[0]


def test_uvloop_is_used_where_it_is_installed() -> None:
    """The faster loop needs no switch."""
    pytest.importorskip("uvloop")
    assert loop.run(which()) == "uvloop"


def test_nothing_is_said_where_uvloop_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the loop is that of the standard library."""
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert loop.run(which()) == "asyncio"


@pytest.mark.parametrize("missing", [{}, {"uvloop": None}], ids=["uvloop", "asyncio"])
def test_ctrl_c_is_a_cancellation(missing: dict[str, None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the coroutine makes of its cancellation is returned."""
    for name in missing:
        monkeypatch.setitem(sys.modules, name, None)

    async def wait() -> str:
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGINT)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "kept"
        return "lost"

    assert loop.run(wait()) == "kept"
