"""The plots are drawn from any figures, and always the same way."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest

pytest.importorskip("matplotlib")

from benchmarks import plots
from benchmarks.pacing.judges import TITLES
from benchmarks.report import SHOWN

RUNS = {"requests": 30, "delay": [0.005, 0.3]}
FIGURES: dict[str, dict[str, Any]] = {
    "peers": {
        "labels": {"ours": "hourlyclicks", "raw_sockets": "raw sockets"},
        "runs": [
            {
                "contender": contender,
                "concurrency": concurrency,
                "round": round_,
                "wall": 0.1 * (1 + round_),
                "user": 0.05,
                "sys": 0.01,
                "peak": 30_000_000,
                "days": 100,
            }
            for contender in ("ours", "raw_sockets", "naive")
            for concurrency in (1, 3)
            for round_ in range(2)
            if (contender, concurrency) != ("naive", 3)
        ],
    },
    "pacing": {
        "runs": [
            RUNS | {"contender": "hourlyclicks, window", "ratio": 1.02, "refused": dict.fromkeys(TITLES, 0)},
            RUNS | {"contender": "log of send times", "ratio": 1.0, "refused": dict.fromkeys(TITLES, 20)},
            RUNS | {"contender": "a short one", "requests": 3, "ratio": 9.0, "refused": {}},
        ]
    },
    "footprint": {
        "memory": {
            "fetch": {"365": [{"most": 200_000}], "30": [{"most": 100_000}, {"most": 120_000}]},
            "dicts": {365: [{"most": 3_000_000}]},
            "stream": {},
        }
    },
}
EXPECTED = {
    "peers": {"days-a-second.svg", "processor-time.svg"},
    "pacing": {"makespan-and-refusals.svg"},
    "footprint": {"memory-against-days.svg"},
}


def text(picture: bytes) -> str:
    """Return all text in a picture."""
    root = ET.fromstring(picture)  # noqa: S314 - drawn by ourselves
    return "\n".join(
        "".join(element.itertext()).strip() for element in root.iter() if element.tag.endswith("text")
    )


@pytest.mark.parametrize("part", FIGURES)
def test_the_same_figures_make_the_same_bytes(part: str) -> None:
    """A picture changes only when its figures do, so that it can be kept under version control."""
    drawn = plots.draw(part, FIGURES[part])
    assert set(drawn) == EXPECTED[part]
    assert drawn == plots.draw(part, FIGURES[part])


def test_every_plot_is_described() -> None:
    """Each plot has a description in text."""
    assert {name for drawn in plots.PLOTS.values() for name in drawn} == set(SHOWN)


def test_who_is_in_the_pictures() -> None:
    """Every contender that was measured is in the picture, also with some figures missing."""
    speed, work = (text(plots.draw("peers", FIGURES["peers"])[name]) for name in sorted(EXPECTED["peers"]))
    assert {"hourlyclicks", "raw sockets", "naive", "1 at a time", "3 at a time"} <= set(speed.splitlines())
    assert {"hourlyclicks", "raw sockets"} <= set(work.splitlines())
    assert "3 at a time" in work
    (memory,) = map(text, plots.draw("footprint", FIGURES["footprint"]).values())
    assert {"ours: fetch", "by hand: dicts"} <= set(memory.splitlines())
    assert "ours: stream" not in memory


def test_pacing_is_drawn_of_the_longest_runs() -> None:
    """Short runs say little about the time it takes, and are not mixed with long ones."""
    (pacing,) = map(text, plots.draw("pacing", FIGURES["pacing"]).values())
    assert {*TITLES.values(), "log of send times"} <= set(pacing.splitlines())
    assert "a short one" not in pacing
    assert "makespan of 30 requests" in pacing


@pytest.mark.parametrize("part", [*FIGURES, "store"])
def test_without_figures_there_is_no_picture(part: str) -> None:
    """A part that measured nothing, or has no plots, draws nothing."""
    assert plots.draw(part, {}) == {}


def test_png() -> None:
    """The pictures can be had as PNG, to look at them."""
    (picture,) = plots.draw("footprint", FIGURES["footprint"], "png").values()
    assert picture.startswith(b"\x89PNG")
