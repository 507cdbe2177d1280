"""This host's disk: the cache of layers, the folder of images, and the swarm of one of a host that fetches alone."""

from dcdist.disk.cache import DirectoryCache
from dcdist.disk.destination import DirectoryDestination
from dcdist.disk.solitary import Solitary

__all__ = ["DirectoryCache", "DirectoryDestination", "Solitary"]
