"""The swarm: a BitTorrent session that trades layers with other hosts, and the place in the store where hosts meet.

The only home of libtorrent.
"""

from dcdist.swarm.session import TorrentSwarm, open_swarm
from dcdist.swarm.store_rendezvous import StoreRendezvous

__all__ = ["StoreRendezvous", "TorrentSwarm", "open_swarm"]
