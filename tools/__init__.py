"""What builds, checks and measures the project; nothing in dcdist imports it."""
