"""Composes configuration, adapters and engine: one module for each thing that users do with dcdist."""
