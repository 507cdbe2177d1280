"""From what was seen to what is said of it. Pure: each judge gives the same finding for the same sight."""
