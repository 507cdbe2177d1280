"""What this host's link carries, and what that says."""
