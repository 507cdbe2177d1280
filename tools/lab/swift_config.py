"""Configuration files and rings of a lab Swift: one proxy, object, container and account server, one copy of all.

No fsync, no syslog, no memcached; answers are cached by the proxy itself. Chunks are larger than Swift's default, and
private objects stay in the page cache, so that a laptop serves gigabits.
"""

from __future__ import annotations

import base64
import getpass
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.lab.swift_faults import CORRUPTED

if TYPE_CHECKING:
    from pathlib import Path

USER = "test:tester"
KEY = "testing"
_CHUNK = 256 << 10
_TOKEN_KEY = base64.urlsafe_b64encode(b"a key for tests, known to anyone").decode()
READER = "test:reader"
"""A user that may do only what an ACL allows; the key is the same."""

_PIPELINE = (
    "traffic faults catch_errors gatekeeper healthcheck cache listing_formats tempauth container-quotas proxy-logging "
    "proxy-server"
)


@dataclass(frozen=True, slots=True)
class Options:
    """What may differ from one lab Swift to the next. `token_life` is seconds.

    `more_users`: names beside that of `USER`, in the same account and with the same key.
    """

    directory: Path
    bind: str = "127.0.0.1"
    port: int = 0
    token_life: int = 86_400
    proxy_workers: int = 1
    object_workers: int = 1
    more_users: tuple[str, ...] = ()

    @property
    def settings(self) -> Path:
        """The folder of the configuration files."""
        return self.directory / "etc"

    @property
    def corrupted(self) -> Path:
        """The file with the bytes that were changed on order."""
        return self.directory / CORRUPTED

    @property
    def traffic(self) -> Path:
        """The file with what was answered and sent."""
        return self.directory / "traffic.log"


def write_settings(options: Options, ports: dict[str, int]) -> None:
    """Write all files for servers at `ports` (by `proxy`, `object`, `container`, `account`)."""
    for folder in (options.settings, options.directory / "devices" / "d1", options.directory / "cache"):
        folder.mkdir(parents=True, exist_ok=True)
    _write_rings(options.settings, ports)
    texts = {
        "swift.conf": _CLUSTER,
        "proxy-server.conf": _default(options) + _proxy(options),
        "object-server.conf": _default(options) + _OBJECT,
        **{f"{kind}-server.conf": _default(options) + _database(kind, options) for kind in ("container", "account")},
    }
    for name, text in texts.items():
        (options.settings / name).write_text(text)


def _write_rings(folder: Path, ports: dict[str, int]) -> None:
    from swift.common.ring import RingBuilder

    for kind in ("account", "container", "object"):
        builder = RingBuilder(part_power=6, replicas=1, min_part_hours=0)
        place = {"id": 0, "region": 1, "zone": 1, "device": "d1", "weight": 1, "meta": ""}
        address = {"ip": "127.0.0.1", "port": ports[kind]}
        replication = {"replication_ip": "127.0.0.1", "replication_port": ports[kind]}
        builder.add_dev({**place, **address, **replication})
        builder.rebalance(seed="1")
        builder.get_ring().save(str(folder / f"{kind}.ring.gz"))


_CLUSTER = """
[swift-hash]
swift_hash_path_suffix = lab
swift_hash_path_prefix = lab
[storage-policy:0]
name = Policy-0
default = yes
"""


def _default(options: Options) -> str:
    return f"""
[DEFAULT]
swift_dir = {options.settings}
devices = {options.directory}/devices
recon_cache_path = {options.directory}/cache
user = {getpass.getuser()}
mount_check = false
workers = 0
disable_fallocate = true
fallocate_reserve = 0
log_level = WARNING
log_address = {options.directory}/no-syslog
log_custom_handlers = tools.lab.swift_daemons.log_to_stderr
max_clients = 4096
client_timeout = 300
"""


_OBJECT = f"""
[pipeline:main]
pipeline = object-server
[app:object-server]
use = egg:swift#object
network_chunk_size = {_CHUNK}
disk_chunk_size = {_CHUNK}
keep_cache_private = true
keep_cache_size = 1099511627776
mb_per_sync = 0
# No updater runs: an object that a busy machine does not report to the container at once would never be listed.
container_update_timeout = 60
"""


def _database(kind: str, options: Options) -> str:
    return f"""
[pipeline:main]
pipeline = {"lag " if kind == "container" else ""}{kind}-server
[filter:lag]
paste.filter_factory = tools.lab.swift_lag:lag_filter
orders = {options.directory}
[app:{kind}-server]
use = egg:swift#{kind}
[{kind}-replicator]
[{kind}-auditor]
"""


def _proxy(options: Options) -> str:
    plain = ("catch_errors", "gatekeeper", "healthcheck", "listing_formats", "container_quotas", "proxy_logging")
    sections = {"container_quotas": "container-quotas", "proxy_logging": "proxy-logging"}
    filters = "".join(f"[filter:{sections.get(name, name)}]\nuse = egg:swift#{name}\n" for name in plain)
    account, user = USER.split(":")
    users = "".join(f"user_{account}_{name} = {KEY} .admin .reseller_admin\n" for name in (user, *options.more_users))
    # By default a server that failed is not asked for a minute, and here no other could take its place.
    return f"""
[pipeline:main]
pipeline = {_PIPELINE}
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
object_chunk_size = {_CHUNK}
client_chunk_size = {_CHUNK}
node_timeout = 60
recoverable_node_timeout = 60
conn_timeout = 10
error_suppression_limit = 1000000
error_suppression_interval = 0
recheck_account_existence = 60
recheck_container_existence = {60 if options.proxy_workers == 1 else 1}
{filters}
[filter:traffic]
paste.filter_factory = tools.lab.swift_filters:traffic_filter
log = {options.traffic}
[filter:faults]
paste.filter_factory = tools.lab.swift_filters:faults_filter
orders = {options.directory}
[filter:cache]
paste.filter_factory = tools.lab.swift_filters:cache_filter
[filter:tempauth]
use = egg:swift#tempauth
token_life = {options.token_life}
fernet_key_lab = {_TOKEN_KEY}
active_fernet_key_id = lab
{users}user_{account}_{READER.partition(":")[2]} = {KEY}
"""
