"""Makes this process wait less long for one that is gone."""

from __future__ import annotations

from hourlyclicks.coordination import backend

backend.MARGIN = 0.4
