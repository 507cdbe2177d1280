"""Bytes to model and back: every object of the store, versioned, bounded and checked; see docs/formats.md.

One rule for all decoders: they accept the bytes, or raise FormatError, IntegrityError or one of their kinds.
"""
