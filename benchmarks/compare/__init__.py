"""The comparison on shaped networks: `command.py` runs it.

Invariant: nothing is imported here. What hosts run within the measured time is in this package too, and starts light.
"""
