"""What a publish shares with releases that are in the store, and what it takes over from their layers."""
