"""What people and scripts read: events as lines, bars and JSON, and quantities in words."""
