"""One day, from the first request to the stored result: exchange, retries, single flight, and the cache."""
