"""Runs the targets of `tests/fuzz` under a coverage-guided fuzzer, until it finds nothing new."""
