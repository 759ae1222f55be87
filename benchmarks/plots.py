"""Pictures of the figures, as SVG: small, and the same bytes for the same figures.

The colours are those of Okabe and Ito, which differ for any colour vision, and each comes with a marker or a
hatching of its own. Our contenders are blue, and their names bold. What has no figures is not drawn.
"""

from __future__ import annotations

import io
import statistics
from collections import defaultdict
from itertools import count
from typing import TYPE_CHECKING, Any

from benchmarks.pacing.judges import TITLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Draw = Callable[[Mapping[str, Any]], Figure | None]

BLUE = "#0072B2"
COLOURS = ("#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555", "#000000")
MARKERS = "osD^vPX"
MIB = 2**20
CONCURRENCY = 3
STYLE: dict[Any, Any] = {  # matplotlib's own type lists some 300 keys
    "svg.hashsalt": "hourlyclicks",
    "svg.fonttype": "none",  # text stays text: small, and found by a search
    "font.size": 9,
    "axes.titlesize": 9,
    "figure.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "savefig.facecolor": "white",  # legible on a dark page as well
}
HOLLOW: dict[str, Any] = {"markersize": 7, "fillstyle": "none", "markeredgewidth": 1.5, "clip_on": False}
"""How points are drawn that may lie upon each other."""
WAYS = {
    "fetch": "ours: fetch",
    "stream": "ours: stream",
    "dicts": "by hand: dicts",
    "arrays": "by hand: arrays",
}


def draw(part: str, figures: Mapping[str, Any]) -> dict[str, bytes]:
    """Draw the plots of a part.

    Args:
        part: the name of the part.
        figures: the figures of its section, fresh or read from JSON.

    Returns:
        The pictures by the names of their files. None for a part without plots, or without figures.
    """
    import matplotlib as mpl  # noqa: PLC0415 - it takes long

    pictures = {}
    for name, plot in PLOTS.get(part, {}).items():
        with mpl.rc_context(STYLE):
            figure = plot(figures)
            if figure is not None:
                sink = io.BytesIO()
                metadata = {"Date": None, "Creator": None}
                figure.savefig(sink, format="svg", metadata=metadata, bbox_inches="tight")
                pictures[f"{name}.svg"] = sink.getvalue()
    return pictures


def speed(figures: Mapping[str, Any]) -> Figure | None:
    """Draw the days a second of each contender, for each concurrency: the median and the range."""
    import numpy as np  # noqa: PLC0415 - as matplotlib, in `draw`

    rates: defaultdict[int, defaultdict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for name, each in _over_http(figures):
        rates[each["concurrency"]][name].append(each["days"] / each["wall"])
    if not rates:
        return None
    best: defaultdict[str, float] = defaultdict(float)
    for found in rates.values():
        for name, values in found.items():
            best[name] = max(best[name], statistics.median(values))
    names = sorted(best, key=lambda name: (best[name], name))
    figure, (axes,) = _figure(6.4, 0.28 * len(names) + 1.1)
    for place, (concurrency, found) in enumerate(sorted(rates.items())):
        there = [name for name in names if name in found]
        least, middle, most = np.transpose([np.quantile(found[name], (0, 0.5, 1)) for name in there])
        axes.errorbar(
            middle,
            [names.index(name) for name in there],
            xerr=(middle - least, most - middle),
            fmt=MARKERS[place % len(MARKERS)],
            markersize=5,
            linewidth=1,
            color=(BLUE, *COLOURS)[place % (1 + len(COLOURS))],
            label=f"{concurrency} at a time",
        )
    _rows(axes, names)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("days a second (median and range; more is better)")
    axes.legend(loc="lower right")
    return figure


def _over_http(figures: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the runs of the scene in which all contenders take part, with the contender's label."""
    for each in figures.get("runs", ()):
        if each["scene"] == "http":
            yield figures.get("labels", {}).get(each["contender"], each["contender"]), each


def work(figures: Mapping[str, Any]) -> Figure | None:
    """Draw the processor time of a day, in user space and in the kernel, at one concurrency."""
    runs = list(_over_http(figures))
    if not runs:
        return None
    shown = min((each["concurrency"] for _, each in runs), key=lambda number: abs(number - CONCURRENCY))
    spent: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for name, each in runs:
        if each["concurrency"] == shown:
            spent[name].append((1000 * each["user"] / each["days"], 1000 * each["sys"] / each["days"]))
    middles = {name: [*map(statistics.median, zip(*found, strict=True))] for name, found in spent.items()}
    names = sorted(middles, key=lambda name: (sum(middles[name]), name), reverse=True)
    figure, (axes,) = _figure(6.4, 0.28 * len(names) + 1.1)
    user, kernel = zip(*(middles[name] for name in names), strict=True)
    axes.barh(range(len(names)), user, height=0.6, color=BLUE, label="user space")
    axes.barh(range(len(names)), kernel, height=0.6, left=user, color=COLOURS[3], hatch="///", label="kernel")
    _rows(axes, names)
    axes.set_xlabel(f"ms of processor time for a day, {shown} at a time (median; less is better)")
    axes.legend(loc="upper right")
    return figure


def pacing(figures: Mapping[str, Any]) -> Figure | None:
    """Draw for each judge how long contenders took, against how many of their requests it would reject.

    Of all runs those with the most requests, over the network that delays them longest.
    """
    everything = figures.get("runs", ())
    if not everything:
        return None
    longest = max((each["requests"], each["delay"]) for each in everything)
    seen: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for each in everything:
        if (each["requests"], each["delay"]) == longest:
            seen[each["contender"]].append(each)
    columns = 3
    rows = len(TITLES) // columns
    figure, all_axes = _figure(2.4 * columns + 0.4, 1.9 * rows + 1.0, rows, columns)
    looks = _looks(seen)
    for (judge, title), axes in zip(TITLES.items(), all_axes, strict=True):
        for name, found in seen.items():
            colour, marker = looks[name]
            longer = statistics.mean(each["ratio"] for each in found)
            refused = statistics.mean(100 * each["refused"][judge] / longest[0] for each in found)
            axes.plot(longer, refused, marker, color=colour, label=name, **HOLLOW)
        axes.set_title(title)
        axes.set_yscale("symlog", linthresh=0.1)
        axes.set_ylim(0, 100)
        axes.set_yticks([0, 0.1, 1, 10, 100], ["0", "0.1 %", "1 %", "10 %", "100 %"])
        axes.minorticks_off()
    figure.supylabel("arrivals that are rejected")
    all_axes[-2].set_xlabel(f"makespan of {longest[0]:,} requests / theoretical minimum (mean of all runs)")
    figure.legend(*all_axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def memory(figures: Mapping[str, Any]) -> Figure | None:
    """Draw by how much a process grew, against the number of days it fetched."""
    found = figures.get("memory", {})
    if not any(found.get(way) for way in WAYS):
        return None
    figure, (axes,) = _figure(6.4, 3.2)
    looks = _looks(WAYS.values())
    for way, title in WAYS.items():
        sizes = sorted((int(days), rounds) for days, rounds in found.get(way, {}).items())
        if sizes:
            middles = [statistics.median(each["most"] for each in rounds) / MIB for _, rounds in sizes]
            colour, marker = looks[title]
            style = "--" if way == "stream" else "-"
            axes.plot([days for days, _ in sizes], middles, style, marker=marker, color=colour, label=title)
    axes.set_xscale("log")
    axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(0, 2 * axes.get_ylim()[1])
    axes.yaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("days")
    axes.set_ylabel("MiB more than before")
    axes.legend(loc="upper left")
    return figure


def _figure(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """Return a figure of a size in inches, and its panels, which have the same scales."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - as in `draw`

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, [*figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat]


def _is_ours(name: str) -> bool:
    return name.startswith(("ours", "hourlyclicks"))


def _looks(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return a colour and a marker for each contender."""
    looks = {}
    ours, others = count(), count()
    for name in names:
        number = next(ours if _is_ours(name) else others)
        own = (BLUE, MARKERS[number % len(MARKERS)])
        other = (COLOURS[number % len(COLOURS)], MARKERS[-1 - number % len(MARKERS)])
        looks[name] = own if _is_ours(name) else other
    return looks


def _rows(axes: Axes, names: Sequence[str]) -> None:
    """Write contenders beside the rows, ours in bold."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.tick_params(axis="y", length=0)
    for name, label in zip(names, axes.get_yticklabels(), strict=True):
        label.set_fontweight("bold" if _is_ours(name) else "normal")


PLOTS: dict[str, dict[str, Draw]] = {
    "peers": {"days-a-second": speed, "processor-time": work},
    "pacing": {"makespan-and-refusals": pacing},
    "footprint": {"memory-against-days": memory},
}
"""The plots of each part, by the names of their files."""
