"""Between values and bytes: requests are built, answers judged and decoded. Nothing here does I/O.

The vendor's words are known here, and in the simulator.
"""
