"""What the built documentation describes, as its inventory for other projects lists it."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_HEADER = 4
_LINE = re.compile(r"(?P<name>.+?)\s+py:\S+\s+-?\d+\s+(?P<address>\S+)\s+.*")


def described(site: Path) -> dict[str, str]:
    """Return the address within the site of each Python name that is described."""
    packed = (site / "objects.inv").read_bytes().split(b"\n", _HEADER)[_HEADER]
    lines = zlib.decompress(packed).decode().splitlines()
    found = [match for line in lines if (match := _LINE.fullmatch(line))]
    return {each["name"]: each["address"].replace("$", each["name"]) for each in found}
