"""Makes this process wait less long for one that is gone, and be seen sooner."""

from __future__ import annotations

from typing import cast

from hourlyclicks.coordination import shared_backend
from hourlyclicks.coordination.leases import Leases
from hourlyclicks.fleet import fleet_run, reporting

LIFE = 3.0

vars(shared_backend)["MARGIN"] = 0.4
vars(fleet_run)["LOOK_AFTER"] = 0.3
vars(reporting).update(SEEN_AFTER=0.1, EVERY=0.2)
cast("dict[str, float]", Leases.__init__.__kwdefaults__)["life"] = LIFE
