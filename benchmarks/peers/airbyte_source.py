"""airbyte-cdk: a declarative manifest with a cursor that steps a day at a time, read through the source.

Its concurrency level is the number of threads, and that is the number given; but while it starts, some of
them make slices instead of asking. Connections are kept in one pool, of a size of airbyte's own: at a
concurrency of 50 it throws some away.

What an answer must be is checked by an extractor in Python, and not by conditions in the manifest, which
would be slower: they are templates, worked out for every record.
"""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from airbyte_cdk.models import (  # type: ignore[import-not-found]  # it lives in an environment of its own
    ConfiguredAirbyteCatalogSerializer,
    Type,
)
from airbyte_cdk.sources.declarative.concurrent_declarative_source import (  # type: ignore[import-not-found]  # as above
    ConcurrentDeclarativeSource,
)
from airbyte_cdk.sources.declarative.extractors.record_extractor import (  # type: ignore[import-not-found]  # as above
    RecordExtractor,
)

from benchmarks.peers.slices import DOMAIN, HEADERS, LINK, PATH, flat

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from requests import Response

    from benchmarks.peers.slices import Merged, Row

STREAM = "hours"
_DAY = "%Y-%m-%d"


class CheckedExtractor(RecordExtractor):  # type: ignore[misc]  # its base has no types here
    """Takes the rows out of an answer, after looking at what it is.

    Args:
        settings: what airbyte gives to every component; nothing of it is needed.
    """

    def __init__(self, **settings: object) -> None:
        del settings

    def extract_records(self, response: Response) -> Iterator[dict[str, Any]]:
        """Yield the rows."""
        document = response.json()
        if document["code"] != 0:
            raise RuntimeError(document["message"])
        (ymd,) = parse_qs(urlsplit(str(response.request.url)).query)["ymd"]
        for row in document["result"]:
            if row["ymd"] != ymd:
                raise RuntimeError(f"asked for {ymd}, got {row['ymd']}")
            yield row


def _moment(day: dt.date) -> dict[str, str]:
    return {"type": "MinMaxDatetime", "datetime": day.isoformat(), "datetime_format": _DAY}


def manifest(base: str, first: dt.date, end: dt.date, concurrency: int) -> dict[str, Any]:
    """Return the source in airbyte's words; it makes no slice for the end."""
    cursor = {
        "type": "DatetimeBasedCursor",
        "cursor_field": "ymd",
        "datetime_format": _DAY,
        "cursor_granularity": "P1D",
        "step": "P1D",
        "start_datetime": _moment(first),
        "end_datetime": _moment(end),
        "start_time_option": {
            "type": "RequestOption",
            "inject_into": "request_parameter",
            "field_name": "ymd",
        },
    }
    requester = {
        "type": "HttpRequester",
        "url_base": base,
        "path": PATH,
        "http_method": "GET",
        "request_headers": HEADERS,
        "request_parameters": {"linkId": LINK, "domain": DOMAIN},
    }
    extractor = {"type": "CustomRecordExtractor", "class_name": f"{__name__}.{CheckedExtractor.__name__}"}
    stream = {
        "type": "DeclarativeStream",
        "name": STREAM,
        "schema_loader": {"type": "InlineSchemaLoader", "schema": {"type": "object", "properties": {}}},
        "incremental_sync": cursor,
        "retriever": {
            "type": "SimpleRetriever",
            "requester": requester,
            "record_selector": {"type": "RecordSelector", "extractor": extractor},
        },
    }
    return {
        "version": "6.0.0",
        "type": "DeclarativeSource",
        "check": {"type": "CheckStream", "stream_names": [STREAM]},
        "streams": [stream],
        "concurrency_level": {"type": "ConcurrencyLevel", "default_concurrency": concurrency},
    }


def fetch(base: str, days: list[dt.date], concurrency: int) -> Iterable[Row]:
    """Do the work."""
    stream = {"name": STREAM, "json_schema": {}, "supported_sync_modes": ["full_refresh", "incremental"]}
    wanted = {"stream": stream, "sync_mode": "incremental", "destination_sync_mode": "append"}
    catalog = ConfiguredAirbyteCatalogSerializer.load({"streams": [wanted]})
    words = manifest(base, days[0], days[-1] + dt.timedelta(days=1), concurrency)
    source = ConcurrentDeclarativeSource(catalog=catalog, config={}, state=[], source_config=words)
    merged: Merged = {}
    for message in source.read(logging.getLogger(STREAM), {}, catalog, []):
        if message.type == Type.RECORD:
            row = message.record.data
            merged[row["ymd"], row["hour"]] = row["acesCnt"], row["pernCnt"]
    return flat(merged)
