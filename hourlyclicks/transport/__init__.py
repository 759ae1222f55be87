"""Sending requests over a socket: connections, deadlines, proxies, and the translation of errors.

A request comes in as a value, and a response goes out as one; no status is evaluated, and no limit is known.
"""
