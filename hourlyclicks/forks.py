"""Objects that a forked child process must not use or clean up.

A forked child has a copy of every object, but shares the sockets, the files and the event loop's selector
with its parent. Using or even closing them in the child disturbs the parent: closing a SQLite file can drop
its locks, and closing a transport removes it from the selector of both. So each object that owns one of these
is held here, and is not cleaned up in a child.
"""

from __future__ import annotations

import os
import weakref
from contextlib import suppress

_held: weakref.WeakSet[object] = weakref.WeakSet()
_kept: list[object] = []
_generation = 0


def generation() -> int:
    """Return the number of forks between the first process and this one."""
    return _generation


def hold(thing: object) -> None:
    """Prevent the clean-up of an object in the children of this process."""
    _held.add(thing)


def opened_before(name: str) -> str:
    """Return the message that a store was opened in another process."""
    return f"{name}: it was opened before this process was forked; make a new one in the child process"


def _before() -> None:
    _kept[:] = list(_held)  # a child has no other threads, and so loses what only they refer to


def _in_parent() -> None:
    _kept.clear()


def _in_child() -> None:
    global _generation  # noqa: PLW0603 - a process has one number
    _generation += 1
    if not _kept:
        return
    with suppress(Exception):  # without it, they are cleaned up only when the child ends
        import ctypes  # noqa: PLC0415 - hardly any process is forked with something in use

        for thing in _kept:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
