"""One limit for several processes: the arbiter that grants slots, and the limiter backend that asks it."""
