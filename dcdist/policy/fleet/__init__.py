"""Whom a host knows and links to, and what a fleet shares."""
