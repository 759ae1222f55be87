"""This package without its extras, wherever it runs: msgspec cannot be imported."""

from __future__ import annotations

import sys

sys.modules["msgspec"] = None  # type: ignore[assignment]  # to the import system that means: there is none

from benchmarks.peers.ours import fetch  # noqa: E402 - msgspec must be gone before

__all__ = ["fetch"]
