"""Registers what tests share: fixtures, and the check that nothing outlives a test."""

pytest_plugins = ["tests.support.faults", "tests.support.leaks", "tests.support.real_images", "tests.support.swift"]
