"""The readme of a package: that of the repository, without what leads into the repository.

A package index shows it alone: relative links lead nowhere there, and pictures of the repository are missing.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_PICTURE = re.compile(r"^!\[[^\]]*\]\((?!https?://)[^)]*\)\n\n?", re.MULTILINE)
_LINKS_ONLY = re.compile(r"^## Read on\n.*?(?=^## )", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[([^\]]*)\]\((?!https?://)[^)]*\)")


def without_relative_links(readme: str) -> str:
    """Return a readme without pictures of the repository, and with the bare text of links into it."""
    return _LINK.sub(r"\1", _PICTURE.sub("", _LINKS_ONLY.sub("", readme)))


class ReadmeHook(MetadataHookInterface):
    """Sets the readme in the metadata; see ``tool.hatch.metadata.hooks.custom`` in pyproject.toml."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add what pyproject.toml lists as dynamic."""
        text = (Path(self.root) / "README.md").read_text("utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": without_relative_links(text)}
