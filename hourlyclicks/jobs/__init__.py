"""Many days of many targets: planning, worker pools, streams, backfills, and their circuit breakers."""
