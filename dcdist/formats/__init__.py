"""Bytes to model and back: every object of the store, versioned, bounded and checked; described in docs/formats.md.

The one rule of all decoders: bytes are either accepted or raise FormatError, IntegrityError or one of their kinds.
"""
