from hourlyclicks import Client

client: Client | None = None
"""The client of this process, while the server runs."""
