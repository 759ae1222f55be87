"""When may a request go? Published limits as data, a pure gate, and the async limiter around it."""
