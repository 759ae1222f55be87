"""One question, from asking to keeping: the exchange with the API, retries, single flight, and the cache."""
