"""How a command runs in a terminal: its event loop, signals, messages and standard output."""
