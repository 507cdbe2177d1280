"""How the store is asked: how many requests, how long, how often again."""
