"""The Protocols between the engine and its adapters: what they promise, in bytes, seconds and errors."""
