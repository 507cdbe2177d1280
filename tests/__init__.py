"""Tests of dcdist."""
