"""An extension of Sphinx for this documentation: every name of the package leads to its description.

A docstring names things as its reader knows them: `Link`, `Client.daily`, or a parameter such as `start`. The
names in signatures are those of the imports of a module, such as ``dt.date``. Sphinx looks for the exact name
only, so this module looks for the rest. What it cannot find either remains a warning.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from docutils import nodes
from sphinx import addnodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docutils.nodes import Element, TextElement
    from sphinx.application import Sphinx
    from sphinx.domains.python import PythonDomain
    from sphinx.environment import BuildEnvironment

PACKAGE = "hourlyclicks"
IMPORTED_AS = {"dt": "datetime", "pa": "pyarrow", "pd": "pandas", "pl": "polars"}
"""Short names of modules in annotations."""

OTHERS = sys.stdlib_module_names | {
    "aiohttp",
    "distributed",
    "matplotlib",
    "numpy",
    "opentelemetry",
    "pandas",
    "polars",
    "procrastinate",
    "pyarrow",
    "yarl",
}
"""Modules that are described elsewhere; with ``DOCS_ONLINE=1`` some of their names become links."""

ALONE = {
    "Blueprint",
    "ConfigureTaskOptions",
    "Figure",
    "Future",
    "JobDeferrer",
    "MeterProvider",
    "R",
    "Random",
    "TracerProvider",
    "URL",
    "deque",
    "tzinfo",
}
"""Names of other projects that are imported by themselves, and a type variable."""

INNER = (
    "hourlyclicks.events.context.",
    "hourlyclicks.fleet.sources.",
    "hourlyclicks.jobs.",
    "hourlyclicks.model.",
)
"""Modules that no user imports from; they are left out before the names of what methods take and return."""

OUTER = ("hourlyclicks.model.http.",)
"""Those among them that a transport of one's own imports."""

_DESCRIBED = re.compile(r"^ +(\w+): ", re.MULTILINE)
"""A parameter or an attribute in a docstring."""

_members: set[str] = set()
_by_last_word: defaultdict[str, list[str]] = defaultdict(list)


def setup(app: Sphinx) -> dict[str, Any]:
    """Install the extension."""
    app.connect("missing-reference", resolve, priority=900)  # after that of intersphinx
    app.connect("doctree-read", shorten)
    app.connect("autodoc-process-signature", spell_factories)
    app.connect("autodoc-process-docstring", keep_colons, priority=100)  # before napoleon
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def shorten(_: Sphinx, doctree: nodes.document) -> None:
    """Show a value by its own name if users never import it, and a single parameter in the same line."""
    for module in list(doctree.findall(addnodes.desc_addname)):
        if is_inner(module.astext()):
            module.parent.remove(module)
    for reference in list(doctree.findall(addnodes.pending_xref)):
        for text in list(reference.findall(nodes.Text)):
            if is_inner(text):
                text.parent.replace(text, nodes.Text(text.rpartition(".")[2]))
    for parameters in doctree.findall(addnodes.desc_parameterlist):
        if len(parameters) == 1:
            parameters["multi_line_parameter_list"] = False


def is_inner(name: str) -> bool:
    """Return whether a name is that of an inner module, or of something in it."""
    return name.startswith(INNER) and not name.startswith(OUTER)


def spell_factories(*event: Any) -> tuple[str, str | None] | None:  # noqa: ANN401 - as Sphinx sends it
    """Show a default that attrs makes for each value, which autodoc calls ``NOTHING``, as ``...``."""
    *_, signature, returned = event
    return (signature.replace("= NOTHING", "= ..."), returned) if signature else None


def keep_colons(*event: Any) -> None:  # noqa: ANN401 - as Sphinx sends it
    """Keep napoleon from reading ``What it is: some words`` about an attribute as a type and a text."""
    _, what, _, _, _, lines = event
    if what in {"attribute", "data", "property"} and lines and ": " in lines[0]:
        lines[:1] = lines[0].replace(": ", ":\n", 1).split("\n")


# -- names ----------------------------------------------------------------------------------------------


def resolve(
    app: Sphinx, environment: BuildEnvironment, node: addnodes.pending_xref, contents: TextElement
) -> Element | None:
    """Return a link for a name that Sphinx does not find; without a link, if it is none of ours.

    Returns:
        ``None``: the name is unknown, which is a warning.
    """
    if node.get("refdomain") != "py":
        return None
    domain = cast("PythonDomain", environment.get_domain("py"))
    target = node["reftarget"].lstrip(".")
    found = sorted({name for each in meanings(target, node) for name in documented(domain, each)}, key=len)
    if found:
        name = found[0]
        entry = domain.objects[name]
        uri = app.builder.get_relative_uri(node["refdoc"], entry.docname)
        return nodes.reference(
            "", "", contents, internal=True, refuri=f"{uri}#{entry.node_id}", reftitle=name
        )
    return contents if is_foreign(target) or is_member(domain, target) else None


def meanings(target: str, node: Element) -> Iterator[str]:
    """Yield what a name may be short for, the nearest first."""
    for scope in (node.get("py:class"), node.get("py:module"), PACKAGE):
        if scope:
            yield f"{scope}.{target}"
    yield target


def documented(domain: PythonDomain, name: str) -> list[str]:
    """Return the described objects that have a name.

    That is the exact one, the only one that ends in it, or the class of an attribute without a description.
    """
    if name in domain.objects:
        return [name]
    tail = name.removeprefix(f"{PACKAGE}.")
    found = [
        each
        for each in with_last_word(domain, tail.rpartition(".")[2])
        if each.endswith(f".{tail}") and (tail[:1].isupper() or domain.objects[each].objtype == "function")
    ]
    described = {(domain.objects[each].docname, domain.objects[each].node_id) for each in found}
    if len(described) == 1:
        return found
    owner, _, attribute = tail.rpartition(".")
    owners = documented(domain, f"{PACKAGE}.{owner}") if owner and not found else []
    return [each for each in owners if attribute in names_of(*split(each))]


def with_last_word(domain: PythonDomain, word: str) -> list[str]:
    """Return the described objects whose name ends in a word."""
    if not _by_last_word:  # Sphinx asks when all pages are read
        for name in domain.objects:
            _by_last_word[name.rpartition(".")[2]].append(name)
    return _by_last_word.get(word, [])


def split(name: str) -> tuple[str, str]:
    """Return the module and the name within it of a described object."""
    module = name
    while module and module not in sys.modules:
        module = module.rpartition(".")[0]
    return module, name.removeprefix(f"{module}.")


def is_foreign(target: str) -> bool:
    """Return whether a name belongs to another project, or stands for any type."""
    names = target.split(".")
    if names[-1] in ALONE or any(name.startswith("_") for name in names):
        return True
    return IMPORTED_AS.get(names[0], names[0]) in OTHERS


def is_member(domain: PythonDomain, target: str) -> bool:
    """Return whether a name is a parameter or an attribute of anything that is described."""
    if not _members:
        _members.update(member for name in domain.objects for member in names_of(*split(name)))
    return target in _members


def names_of(module: str, name: str) -> set[str]:
    """Return the parameters and attributes of an object."""
    thing: Any = importlib.import_module(module)
    for part in name.split("."):
        thing = getattr(thing, part, None)
    names = set(dir(thing)) if inspect.isclass(thing) else set()
    with suppress(TypeError, ValueError):  # not callable, or without a signature
        names |= set(inspect.signature(thing).parameters)
    return names | set(_DESCRIBED.findall(thing.__doc__ or ""))
