"""From requests to responses over a socket: connections, deadlines, proxies, and the errors on the way."""
