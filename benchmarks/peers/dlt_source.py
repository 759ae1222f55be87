"""dlt: its ``rest_api`` source, iterated without a pipeline or a destination.

The days are a resource of one page, and the hours depend on it, a request a day. Such a resource can be
parallelized: each request is then a task for dlt's pool of threads, which has as many workers here as
requests may be under way. dlt hands out no more tasks than that, and not before the main thread comes by, so
its concurrency is at most what was asked for. The hook that looks at an answer decodes it a second time; that
is small beside the rest.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import dlt  # type: ignore[import-not-found]  # it lives in an environment of its own
from dlt.sources.rest_api import rest_api_source  # type: ignore[import-not-found]  # as above

from benchmarks.peers.slices import DOMAIN, HEADERS, LINK, PATH, flat

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from dlt.sources.helpers.requests import Response  # type: ignore[import-not-found]  # as above

    from benchmarks.peers.slices import Merged, Row


def refuse(response: Response, *_: object, **__: object) -> None:
    """Raise what an answer has to say if it holds no figures."""
    document = response.json()
    if document["code"] != 0:
        raise RuntimeError(document["message"])


def fetch(base: str, days: list[dt.date], concurrency: int) -> Iterable[Row]:
    """Do the work."""
    os.environ["EXTRACT__WORKERS"] = os.environ["EXTRACT__MAX_PARALLEL_ITEMS"] = str(concurrency)
    page = [{"ymd": day.isoformat()} for day in days]
    asked = dlt.resource([page], name="days", selected=False)
    hours = {
        "name": "hours",
        "parallelized": True,
        "include_from_parent": ["ymd"],
        "endpoint": {
            "path": PATH,
            "params": {"ymd": "{resources.days.ymd}", "linkId": LINK, "domain": DOMAIN},
            "data_selector": "result",
            "paginator": "single_page",
            "response_actions": [refuse],
        },
    }
    source = rest_api_source({"client": {"base_url": base, "headers": HEADERS}, "resources": [asked, hours]})
    merged: Merged = {}
    for row in source.resources["hours"]:
        ymd = row["_days_ymd"]
        if row["ymd"] != ymd:
            raise RuntimeError(f"asked for {ymd}, got {row['ymd']}")
        merged[ymd, row["hour"]] = row["acesCnt"], row["pernCnt"]
    return flat(merged)
