"""Everything that waits: the transport, retries, and the fan-out of many days."""
