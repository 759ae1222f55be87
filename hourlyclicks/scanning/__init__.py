"""Read all figures of a store from synchronous code, one target at a time."""
