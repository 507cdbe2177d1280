"""dcdist: brings VM images from object storage to many hosts at once, over object storage and a swarm together."""

__version__ = "0.1.0"
