"""How far a run is: counted from its events, shown live in a terminal or in plain lines."""
