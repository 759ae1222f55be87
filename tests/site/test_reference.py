"""The reference has every public name."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import errors
from tests.site.inventory import described

if TYPE_CHECKING:
    from pathlib import Path

PARTS = ("coordination", "events", "fleet", "plot", "simulator", "store")
MODULES = [
    "hourlyclicks",
    *(f"hourlyclicks.{part}" for part in PARTS if find_spec(f"hourlyclicks.{part}") is not None),
]
"""Those whose ``__all__`` is the public interface."""


def homes(module: str, name: str) -> list[str]:
    """Return the names under which something may be described: the public one, and that of its class."""
    thing = getattr(import_module(module), name)
    own = f"{thing.__module__}.{thing.__qualname__}" if hasattr(thing, "__qualname__") else ""
    return [f"{module}.{name}", *([own] if own else [])]


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_described(module: str, site: Path) -> None:
    """Each has a signature with an anchor on some page, to which links lead."""
    known = described(site)
    names = import_module(module).__all__
    lacking = [name for name in names if not known.keys() & set(homes(module, name))]
    assert lacking == []
    for name in names:
        page, _, anchor = next(known[home] for home in homes(module, name) if home in known).partition("#")
        assert f'id="{anchor}"' in (site / page).read_text("utf-8"), name


def test_every_error_is_described(site: Path) -> None:
    """Each class that the module of errors defines is on its page."""
    known = described(site)
    classes = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception) and value.__module__ == errors.__name__
    }
    assert sorted(name for name in classes if f"{errors.__name__}.{name}" not in known) == []


SIGNATURE = re.compile(r'<dt class="sig sig-object py".*?</dt>', re.DOTALL)


def signatures(site: Path) -> list[str]:
    """Return all signatures of the reference as text."""
    pages = sorted((site / "reference").glob("*.html"))
    found = [each for page in pages for each in SIGNATURE.findall(page.read_text("utf-8"))]
    return [re.sub(r"<[^>]+>", "", each) for each in found]


def test_signatures_have_no_private_names(site: Path) -> None:
    """No private name is shown, no inner module, and no placeholder of attrs for a default."""
    found = signatures(site)
    assert len(found) > 300
    shown = re.compile(r"\b_[a-z]|NOTHING|attr_dict| object at 0x|hourlyclicks\.(jobs|model\.(?!http))")
    assert [each for each in found if shown.search(each)] == []


def test_a_long_signature_has_a_line_for_each_parameter(site: Path) -> None:
    """The options of a client are a list, not a paragraph."""
    page = (site / "reference" / "client.html").read_text("utf-8")
    (client,) = (each for each in SIGNATURE.findall(page) if 'id="hourlyclicks.Client"' in each)
    parameters = re.findall(r"<dd>\s*<em class=\"sig-param\">.*?</dd>", client, re.DOTALL)
    assert len(parameters) > 15
    assert 'href="limits.html#hourlyclicks.Plan"' in client
