"""`Client`: its calls by groups, the engine behind them, and what it uses and closes.

Arguments are checked here, and all parts of a client are connected here.
"""

from hourlyclicks.client.client import Client
from hourlyclicks.jobs.run_options import Order
from hourlyclicks.wire.key import KEY_VARIABLE

__all__ = ["KEY_VARIABLE", "Client", "Order"]
