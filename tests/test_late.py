"""Modules are imported when they are used."""

from __future__ import annotations

import sys

import pytest

from tests.late import LateModule


def test_a_module_is_imported_when_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither making the stand-in imports it, nor looking for tests in the file that has it."""
    monkeypatch.delitem(sys.modules, "this", raising=False)
    module = LateModule("this")
    assert not [name for name in ("__test__", "__wrapped__", "_mock_name") if hasattr(module, name)]
    assert "this" not in sys.modules
    assert "better than" in module.s.translate(str.maketrans(module.d))
    assert "this" in sys.modules


def test_a_test_is_skipped_without_the_module() -> None:
    """The reason names the module."""
    with pytest.raises(pytest.skip.Exception, match="no_such_module"):
        LateModule("no_such_module").attribute()
