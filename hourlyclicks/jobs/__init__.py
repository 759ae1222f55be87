"""Many days of many targets: planning, worker pools, streams, backfills, and their circuit breakers.

Nothing here sends or stores by itself: that is done by `hourlyclicks.fetching`, for each day or range.
"""
