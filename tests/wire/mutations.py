"""Answers of the API, and what becomes of them when something goes wrong on the way.

A mutation changes a body in one place: some in a byte, so that it is mostly no JSON any more, and some in its
structure, so that it mostly is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

YMD = "2025-04-20"

MESSAGES = [
    '"message":"success",',
    '"message":"",',
    '"message":null,',
    "",
    '"message":"성공",',
    '"message":"\\u0041",',
]
NUMBERS = [
    *(b"0", b"7", b"4095", b"4096", b"9223372036854775807", b"9223372036854775808", b"18446744073709551616"),
    *(b"00", b"07", b"0x7", b"-0", b"-1", b"+1", b"1_0", b"7.0", b"7e0", b"1E400", b"1" * 20, b"1" * 5000),
    *(
        b'"7"',
        b'"07"',
        b"null",
        b"true",
        b"NaN",
        b"",
        b" 7",
        b"7\n",
        b"7\x0b",
        b"7,8",
        b"[7]",
        b"{}",
        b"\xd9\xa7",
    ),
]
PIECES = [
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b'"',
        b"\\",
        b" ",
        b"\n",
        b"\x00",
        b"\x7f",
        b"\xff",
        b"\xc2\xa0",
        b"0",
        b"}]}",
    ),
    *(
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
        b"\\u0068",
        b'"code":0,',
        b'"code":1,',
        b'"result":[],',
        b'"hour":3,',
        b'"x":1,',
    ),
    *(b'"message":"",', b'"ymd":"2025-04-20",', b'"ymd":"2025-04-21",', b"2025-04-21", b"[" * 70),
]
_ROW = re.compile(rb"\{[^{}]*\}")
_MEMBER = re.compile(rb'"\w+": ?[^,{}\[\]]+')
_NUMBER = re.compile(rb"(?<=:)( ?)-?[0-9]+")
_EDGE = re.compile(rb"[{}\[\],:]")


def answer(random: random.Random) -> bytes:
    """Return an answer that is in order, mostly of a whole day and without blanks."""
    hours = list(range(24))
    if random.random() < 0.1:
        hours = sorted(random.sample(hours, random.randrange(24)))
    if random.random() < 0.05:
        random.shuffle(hours)
    largest = 10 ** random.choice([1, 3, 4, 6, 18])
    row = '{"ymd":"%s","hour":%d,"acesCnt":%d,"pernCnt":%d}'
    rows = [row % (YMD, hour, random.randrange(largest), random.randrange(largest)) for hour in hours]
    message = MESSAGES[0] if random.random() < 0.5 else random.choice(MESSAGES)
    body = f'{{"code":0,{message}"result":[{",".join(rows)}]}}'
    if random.random() < 0.25:
        body = body.replace(",", ", ").replace(":", ": ")
    return body.encode()


def mutated(body: bytes, random: random.Random) -> bytes:
    """Return a body after one mutation."""
    return random.choice(_MUTATIONS)(body, random)


def _place(body: bytes, random: random.Random) -> int:
    return random.randrange(len(body) + 1)


def _flip(body: bytes, random: random.Random) -> bytes:
    """Change one bit."""
    changed = bytearray(body or b" ")
    changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _delete(body: bytes, random: random.Random) -> bytes:
    """Leave out a few bytes."""
    start = _place(body, random)
    return body[:start] + body[start + random.choice([1, 1, 2, 3, 10, 60]) :]


def _insert(body: bytes, random: random.Random) -> bytes:
    """Put a few bytes in, such as are found in answers, or make decoders differ."""
    start = _place(body, random)
    return body[:start] + random.choice(PIECES) + body[start:]


def _append(body: bytes, random: random.Random) -> bytes:
    """Put a few bytes before or after everything."""
    piece = random.choice(PIECES)
    return piece + body if random.random() < 0.5 else body + piece


def _truncate(body: bytes, random: random.Random) -> bytes:
    """Cut the end off."""
    return body[: _place(body, random)]


def _swap_rows(body: bytes, random: random.Random) -> bytes:
    """Let two rows change places."""
    rows = list(_ROW.finditer(body))
    if len(rows) < 2:
        return body
    one, other = sorted(random.sample(rows, 2), key=re.Match.start)
    between = body[one.end() : other.start()]
    return body[: one.start()] + other[0] + between + one[0] + body[other.end() :]


def _repeat_row(body: bytes, random: random.Random) -> bytes:
    """Put a row a second time, in place of another one or besides."""
    rows = list(_ROW.finditer(body))
    if not rows:
        return body
    row, place = random.choice(rows), random.choice(rows)
    end = place.end() if random.random() < 0.5 else place.start()
    return body[: place.start()] + row[0] + (b"," if end == place.start() else b"") + body[end:]


def _rewrite(body: bytes, random: random.Random) -> bytes:
    """Write another number, or what is none."""
    return _replaced(_NUMBER, body, random.choice(NUMBERS), random)


def _count(body: bytes, random: random.Random) -> bytes:
    """Write another number that is in order."""
    return _replaced(_NUMBER, body, b"%d" % random.randrange(10 ** random.randrange(1, 19)), random)


def _repeat_member(body: bytes, random: random.Random) -> bytes:
    """Put a member a second time, or another one in front of it."""
    members = list(_MEMBER.finditer(body))
    if not members:
        return body
    member, place = random.choice(members), random.choice(members)
    if random.random() < 0.5:
        place = member
    return body[: place.start()] + member[0] + b"," + body[place.start() :]


def _swap_members(body: bytes, random: random.Random) -> bytes:
    """Let two members change places."""
    members = list(_MEMBER.finditer(body))
    if len(members) < 2:
        return body
    first = random.randrange(len(members) - 1)
    one, other = members[first], members[first + 1]
    between = body[one.end() : other.start()]
    return body[: one.start()] + other[0] + between + one[0] + body[other.end() :]


def _other_day(body: bytes, random: random.Random) -> bytes:
    """Make it, or one row of it, an answer about another day."""
    other = random.choice(
        [b"2025-04-21", b"2025-04-2", b"2025-4-20", b"20250420", b"2025-04-31", b"2025-04-2\\u0030"]
    )
    return body.replace(YMD.encode(), other, random.choice([1, -1]))


def _splice(body: bytes, random: random.Random) -> bytes:
    """Join the beginning of one answer with the end of another one, where members or rows end."""
    other = answer(random)
    ends, starts = ([edge.start() for edge in _EDGE.finditer(part)] or [0] for part in (body, other))
    return body[: random.choice(ends)] + other[random.choice(starts) :]


def _replaced(found: re.Pattern[bytes], body: bytes, text: bytes, random: random.Random) -> bytes:
    places = list(found.finditer(body))
    if not places:
        return body
    place = random.choice(places)
    return body[: place.start()] + text + body[place.end() :]


_MUTATIONS: list[Callable[[bytes, random.Random], bytes]] = [
    *(
        _flip,
        _delete,
        _insert,
        _append,
        _truncate,
        _swap_rows,
        _repeat_row,
        _rewrite,
        _rewrite,
        _count,
        _count,
    ),
    *(_repeat_member, _swap_members, _other_day, _splice),
]
