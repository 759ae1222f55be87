"""One limit for several processes: the arbiter that grants requests, and the limiter backend that asks it."""
