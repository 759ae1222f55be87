"""What a reader of the tables must know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.pacing.contenders import OURS_EVEN
from hourlyclicks.pacing.window import EVEN_SLACK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.pacing.runs import Run


def remarks(runs: Sequence[Run], lessons: Sequence[Run]) -> Iterator[str]:
    """Yield the remarks.

    Args:
        runs: all runs in which nothing is rejected.
        lessons: runs of our client against a leaky bucket that rejects requests.
    """
    yield (
        "T* is the least time that a client needs which keeps the limit, if every round trip takes the mean"
        " time: the least and the most delay of one way together. A makespan below 1 means that the limit was"
        " not kept. Of few requests it may also mean that their delays happened to be short."
    )
    yield (
        "Only the limit of statistics requests a minute binds and goes into T*. The limits of all requests"
        " together, such as 600 to 60,000 an hour, are out of reach at these rates."
    )
    yield (
        "Rejected counts what a server turns away if it forgets what it has turned away, as nginx does. If it"
        " counts those too, it turns away more: what is over the limit if every arrival counts."
    )
    yield (
        "In the simulated runs no request is really rejected, so that all contenders send the same. The"
        " windows of the server begin at another moment of the run with each seed."
    )
    yield (
        "Nothing is claimed of two buckets: such a server takes the requests of the last window for evenly"
        " spread, so that a burst at its beginning counts for longer than a window."
    )
    yield (
        "Before nginx our client waits and repeats what was rejected; the others go on without it, so they"
        " end sooner with less. On loopback nothing is delayed, so only habits show: a burst, or no reserve."
    )
    worst = [one for one in runs if one.contender == OURS_EVEN and one.verdicts["leaky_bucket"].refused]
    if worst:
        yield _about_leaky_buckets(worst[0].scene.delay, lessons)


def _about_leaky_buckets(delay: tuple[float, float], lessons: Sequence[Run]) -> str:
    """Say why even spacing is not enough for a leaky bucket, and what comes of it."""
    reserve, spread = EVEN_SLACK - 1, delay[1] - delay[0]
    fastest = int(reserve * 60 / spread)
    evenly = [one for one in lessons if one.contender == OURS_EVEN]
    return (
        "A leaky bucket without burst wants 60/R s between two arrivals. Of two requests sent"
        f" {EVEN_SLACK:g} · 60/R s apart the second arrives up to {1000 * spread:.0f} ms closer to the first,"
        f" and the reserve of {reserve:.2f} · 60/R s makes up for that only to {fastest} requests a minute."
        " That a server is such a bucket cannot be known beforehand. Our client learns it from a rejection:"
        " from then on it counts the interval from the last response, which no delay can shorten. The most"
        f" rejections that any of {len(evenly)} runs of {evenly[0].scene.requests} requests in even spacing"
        f" met from such a server was {max(one.refused for one in evenly)}; what it costs is in the"
        " table above."
    )
