"""One progress for targets that are fetched one after the other."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from hourlyclicks import Limits, Rate
from hourlyclicks.cli.progress.joint import JointProgress
from hourlyclicks.events import Progress, Resumed
from hourlyclicks.pacing.eta import forecast

if TYPE_CHECKING:
    from hourlyclicks.events import Event

LIMITS = Limits((Rate(10, 60.0),), concurrency=1)


def seconds(days: int) -> float:
    """Return what so many days take."""
    return forecast(days, LIMITS).seconds


def test_the_progress_of_each_is_a_part_of_that_of_all() -> None:
    """The days done add up, and the ETA includes the later targets."""
    seen: list[Event] = []
    joint = JointProgress(seen.append, days=(100, 100, 100), estimate=partial(forecast, limits=LIMITS))
    joint.begin()
    joint(Progress(done=40, failed=1, total=100, eta=7.0, binding="rate"))
    joint(Progress(done=98, failed=2, total=100, eta=0.0, binding="rate"))
    joint.begin()
    joint(Progress(done=1, failed=0, total=100, eta=5.0, binding="pause"))
    joint.begin()
    joint(Resumed())
    assert seen == [
        Progress(done=40, failed=1, total=300, eta=7.0 + seconds(300) - seconds(100), binding="rate"),
        Progress(done=98, failed=2, total=300, eta=seconds(300) - seconds(100), binding="rate"),
        Progress(done=99, failed=2, total=300, eta=5.0 + seconds(200) - seconds(100), binding="pause"),
        Resumed(),
    ]
