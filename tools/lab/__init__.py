"""Real surroundings on one machine, for tests and benchmarks: servers, networks, images."""
