"""Days that stay: what was asked and answered, kept on disk, and the limits that several processes share.

Disks and databases are touched here only. A store knows days, leases and the text of the shared limits; it
sends no request, and decides nothing about limits.

`open_store` reads a store without an API key. `MemoryStore` is for tests.
"""

from typing import TYPE_CHECKING

from hourlyclicks.lazy import lazy_names

if TYPE_CHECKING:
    from hourlyclicks.store.coverage import Coverage
    from hourlyclicks.store.memory import MemoryStore
    from hourlyclicks.store.opening import open_store
    from hourlyclicks.store.reader import StoreReader
    from hourlyclicks.store.stored_account import StoredAccount
    from hourlyclicks.store.target_summary import TargetSummary

_HOMES = {
    "Coverage": "store.coverage",
    "MemoryStore": "store.memory",
    "StoreReader": "store.reader",
    "StoredAccount": "store.stored_account",
    "TargetSummary": "store.target_summary",
    "open_store": "store.opening",
}

__all__ = ["Coverage", "MemoryStore", "StoreReader", "StoredAccount", "TargetSummary", "open_store"]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
