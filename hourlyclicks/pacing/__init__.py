"""When may a request go? Published limits as data, a pure sliding window, and the async limiter around it."""
