"""What the planner knows: layers and their pieces, owners, members, and the draws under way."""
