"""What dcdist is measured against, and how: `python -m benchmarks --help`."""
