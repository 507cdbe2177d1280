"""From new chunks to layers in the store: compressed, hashed, uploaded once."""
