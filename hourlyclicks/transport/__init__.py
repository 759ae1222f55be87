"""Sending requests over a socket: connections, deadlines, proxies, and the translation of errors."""
