import math

from django.conf import settings
from django.http import JsonResponse
from hourlyclicks import (
    ApiError,
    HourlyClicksError,
    IncompleteSeriesError,
    Link,
    RateLimitedError,
    UsageError,
)

import clicks


async def by_day(request, link_id, first, last):
    """Return the clicks of each day."""
    try:
        series = await clicks.client.fetch(
            first, last, Link(link_id, settings.CLICKS_DOMAIN)
        )
    except HourlyClicksError as error:
        return failure(error)
    return JsonResponse({f"{day.start}": day.clicks for day in series.clicks_by_day()})


def failure(error):
    """Return what a browser is told about an error."""
    if isinstance(error, IncompleteSeriesError):
        error = next(iter(error.failures.values()))  # why the first day is missing
    headers = {}
    match error:
        case UsageError(fatal=True):  # the client is closed: the server ends
            status = 503
        case UsageError():
            status = 400
        case ApiError(code=int()):  # the API knows no such link or day
            status = 404
        case RateLimitedError(retry_after=wait):
            status = 503
            headers["Retry-After"] = str(math.ceil(wait or 60))
        case _:
            status = 502
    return JsonResponse({"error": str(error)}, status=status, headers=headers)
