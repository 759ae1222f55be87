"""Header fields looked up by their names, which have no case."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from multidict import CIMultiDict, CIMultiDictProxy

if TYPE_CHECKING:
    from collections.abc import Mapping


Fields: TypeAlias = CIMultiDict[str] | CIMultiDictProxy[str]

_WITHOUT_CASE = (CIMultiDictProxy, CIMultiDict)


def fields_of(headers: Mapping[str, str]) -> Fields:
    """Return headers as a mapping that ignores case; those of aiohttp are one already."""
    if isinstance(headers, _WITHOUT_CASE):
        return headers
    return CIMultiDict(headers)
