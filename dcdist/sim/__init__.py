"""Drives the planner of real hosts without a network: stores, links and heartbeats as models, time in epochs.

`simulation.simulate` runs a scenario with a planner for each host; or, for large fleets, for each host of one prefix,
all others being counterparts of those. The same scenario and seed give the same result. Rates are bytes a second, times
seconds.
"""
