"""Read all figures of a store from synchronous code, one target at a time.

Stores are only read, each in an event loop of its own in a thread.
"""
