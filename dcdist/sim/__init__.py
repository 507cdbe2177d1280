"""Drives the planner of real hosts without a network: stores, links and heartbeats as models, time in epochs.

`detail` has a planner for each host and moves single pieces; `fleet` has a planner for each host of one prefix, and
cohorts for the others. The same scenario and seed give the same result. Rates are bytes a second, times seconds.
"""
