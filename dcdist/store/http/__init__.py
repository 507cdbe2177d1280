"""HTTP for all stores that speak it: one session, its reads, what its answers mean."""
