"""Read PNG files by the specification, sharing no code with what writes them."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHANNELS = {2: 3, 3: 1, 6: 4}


@attrs.frozen
class Picture:
    """The pixels of a PNG file.

    Args:
        width: pixels of a row.
        rows: each a list of pixels: red, green and blue, with alpha where there is one.
    """

    width: int
    rows: list[list[tuple[int, ...]]]


def chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and data of each chunk, whose checksums are right."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    place = 8
    while place < len(png):
        (length,) = struct.unpack_from(">I", png, place)
        kind, data = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        assert struct.unpack_from(">I", png, place + 8 + length)[0] == zlib.crc32(kind + data)
        yield kind, data
        place += 12 + length


def read(png: bytes) -> Picture:
    """Return the pixels of a file without interlacing."""
    parts: dict[bytes, bytes] = {}
    for kind, data in chunks(png):
        parts[kind] = parts.get(kind, b"") + data
    width, height, depth, colour = struct.unpack_from(">IIBB", parts[b"IHDR"])
    size = -(-width * depth * _CHANNELS[colour] // 8)
    step = max(1, depth * _CHANNELS[colour] // 8)
    lines = list(_unfiltered(zlib.decompress(parts[b"IDAT"]), size, height, step))
    if colour == 3:
        palette, alphas = parts[b"PLTE"], parts.get(b"tRNS", b"")
        return Picture(
            width, [[_colour(index, palette, alphas) for index in _indexes(line, width)] for line in lines]
        )
    return Picture(width, [[tuple(line[x * step : x * step + step]) for x in range(width)] for line in lines])


def _indexes(line: bytes, width: int) -> list[int]:
    return [each for byte in line for each in (byte >> 4, byte & 15)][:width]


def _colour(index: int, palette: bytes, alphas: bytes) -> tuple[int, ...]:
    return (*palette[index * 3 : index * 3 + 3], alphas[index] if index < len(alphas) else 255)


def _unfiltered(data: bytes, size: int, height: int, step: int) -> Iterator[bytes]:
    above = bytes(size)
    for row in range(height):
        kind, line = data[row * (size + 1)], bytearray(data[row * (size + 1) + 1 : (row + 1) * (size + 1)])
        for place in range(size):
            left = line[place - step] if place >= step else 0
            corner = above[place - step] if place >= step else 0
            guess = (0, left, above[place], (left + above[place]) // 2, _paeth(left, above[place], corner))[
                kind
            ]
            line[place] = (line[place] + guess) & 255
        above = bytes(line)
        yield above


def _paeth(left: int, up: int, corner: int) -> int:
    return min((left, up, corner), key=lambda each: abs(left + up - corner - each))
