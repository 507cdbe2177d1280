"""The commands, a module each: what click needs to know of it, and nothing that a command line does not need."""
