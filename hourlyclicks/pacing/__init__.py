"""When may a request go? Published limits as data, a pure sliding window, and the async limiter around it.

Nothing here does I/O but wait on a clock. What several processes share comes through a `LimiterBackend`.
"""
