"""Days that stay: what was asked and answered, kept on disk, and the limits that several processes share.

`open_store` reads a store without an API key. `MemoryStore` is for tests.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hourlyclicks.store.coverage import Coverage
    from hourlyclicks.store.memory import MemoryStore
    from hourlyclicks.store.opening import open_store
    from hourlyclicks.store.reader import StoreReader
    from hourlyclicks.store.stored_account import StoredAccount
    from hourlyclicks.store.summary import TargetSummary

_HOMES = {
    "Coverage": "coverage",
    "MemoryStore": "memory",
    "StoreReader": "reader",
    "StoredAccount": "stored_account",
    "TargetSummary": "summary",
    "open_store": "opening",
}

__all__ = ["Coverage", "MemoryStore", "StoreReader", "StoredAccount", "TargetSummary", "open_store"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - of any type a module can hold
    """Import a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    thing = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return thing


def __dir__() -> list[str]:
    """List the public names, whether they were used yet or not."""
    return sorted({*globals(), *__all__})
