"""The Protocols between the engine and its adapters, in bytes, seconds and errors; and what adapters of one share."""
