"""The steps that several commands take when they run: find the key, open the store, fetch, and tell."""
