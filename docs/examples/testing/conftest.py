pytest_plugins = ["hourlyclicks.simulator.pytest"]
