"""One day, from the first request to the stored result: exchange, retries, single flight, and the cache.

A range of days, or a page of a list, goes the same way. Requests are sent through the transport that the
client was given, after the limiter has granted a slot; the store is read and written through `DayCache`.
"""
