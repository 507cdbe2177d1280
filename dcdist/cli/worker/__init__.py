"""The process that does a fetch.

The command forks it at once (ADR 16), with the options as Python values, and reads its events from a pipe. Whichever of
the two dies first, the other notices by the end of a pipe. When the images are complete the command lets go, and the
process goes on giving to other hosts by itself.
"""
