"""dcdist."""
