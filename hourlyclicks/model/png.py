"""Small pictures of few colours as PNG, by the standard library alone.

A picture is a list of rows, each a byte a pixel: the index of a colour in the palette. The format is
specified in https://www.w3.org/TR/png-3/.
"""

from __future__ import annotations

import base64
import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TRANSPARENT = "#00000000"
"""A colour of the palette through which the ground shows."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_DEPTH = 4
_MOST_COLOURS = 1 << _DEPTH
_INDEXED = 3
_OPAQUE = 255


def indexed_png(rows: Sequence[bytes], palette: Sequence[str]) -> bytes:
    """Return a picture as a PNG file.

    Args:
        rows: the rows from top to bottom, all of one length, with a byte a pixel.
        palette: at most 16 colours, each written ``#rrggbb`` or ``#rrggbbaa``.
    """
    if not 0 < len(palette) <= _MOST_COLOURS:
        raise ValueError(f"a palette has 1 to {_MOST_COLOURS} colours, not {len(palette)}")
    colours = [bytes.fromhex(colour.removeprefix("#")) for colour in palette]
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), _DEPTH, _INDEXED, 0, 0, 0)
    alphas = bytes([colour[3] if len(colour) > len("rgb") else _OPAQUE for colour in colours])
    parts = [(b"IHDR", header), (b"PLTE", b"".join(colour[:3] for colour in colours))]
    if min(alphas) < _OPAQUE:
        parts.append((b"tRNS", alphas))
    scanlines = b"".join(b"\0" + line for line in map(_packed, rows))  # 0: not filtered
    parts += [(b"IDAT", zlib.compress(scanlines, 9)), (b"IEND", b"")]
    return _SIGNATURE + b"".join(piece for kind, data in parts for piece in _chunk(kind, data))


def data_uri(png: bytes) -> str:
    """Return a PNG file as an address that an ``<img>`` can have."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _packed(row: bytes) -> bytes:
    """Put two pixels into each byte."""
    even = row if len(row) % 2 == 0 else row + b"\0"
    return bytes([left << _DEPTH | right for left, right in zip(even[::2], even[1::2], strict=True)])


def _chunk(kind: bytes, data: bytes) -> Iterator[bytes]:
    yield struct.pack(">I", len(data))
    yield kind
    yield data
    yield struct.pack(">I", zlib.crc32(kind + data))
