"""Examines what this host can do for a fetch and what it cannot, and says what to do about it."""
