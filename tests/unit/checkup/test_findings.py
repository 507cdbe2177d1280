"""What is said of what was seen: the state, the words, and what to do."""

from __future__ import annotations

from functools import partial

import pytest

from dcdist.catalog.delta import Delta
from dcdist.catalog.description import ListedRelease, Releases
from dcdist.checkup.findings import (
    folder_findings,
    machine_findings,
    member_findings,
    reach_findings,
    release_findings,
    server_findings,
    store_findings,
)
from dcdist.checkup.findings.error_findings import of_error, of_silence
from dcdist.checkup.findings.finding import Check, Checkup, Finding, FindingState, failed, ok, warning
from dcdist.checkup.findings.folder_findings import Demand, FolderSeen
from dcdist.checkup.findings.machine_findings import SoftwareSeen
from dcdist.checkup.findings.member_findings import Dialled, HostSeen
from dcdist.checkup.findings.reach_findings import AddressSeen, WayBack
from dcdist.checkup.findings.server_findings import CertificateSeen, RouteSeen
from dcdist.checkup.findings.store_findings import ProbeSeen, RangeSeen
from dcdist.errors import DcdistError, InvariantError, StoreDeniedError, SwarmError
from dcdist.formats import heartbeat, object_names
from dcdist.model.identity import Digest, HostId, LayerName, LineId, ReleaseName
from dcdist.model.member import Member, Role
from dcdist.model.release import LayerEntry, Release
from dcdist.node.interfaces import Interface
from dcdist.ports.store import Entry, Listing

OK, WARNING, FAILED, SKIPPED = FindingState
HERE, THERE = ("10.0.0.5", 6881), ("fd00::7", 6881)
DAY = 86_400.0


def listed(name: str, serial: int, *, trusted: bool | None = True, latest: bool = True) -> ListedRelease:
    layer = LayerEntry(LayerName(f"{serial:032x}"), 5_000_000, Digest(bytes(32)))
    release = Release(ReleaseName.parse(name), serial, (), (layer,), ())
    latest = latest and trusted is not False
    return ListedRelease(release, float(serial), latest=latest, previous=None, delta=Delta((), 0), trusted=trusted)


def releases(*found: ListedRelease) -> Releases:
    return Releases(found, ())


def test_a_finding_that_something_is_wrong_gives_advice() -> None:
    with pytest.raises(InvariantError, match="gives no advice"):
        failed(Check.CACHE, "it is broken", "")


def test_a_host_is_ready_if_nothing_failed_whatever_is_a_warning_or_skipped() -> None:
    good = [warning(Check.READ, "slow", "wait"), ok(Check.LIST, "fine")]
    assert Checkup.of(good).ready
    assert [finding.check for finding in Checkup.of(good).findings] == [Check.LIST, Check.READ]
    assert not Checkup.of([*good, failed(Check.WRITE, "no", "do")]).ready


@pytest.mark.parametrize("error", [StoreDeniedError("no"), SwarmError("no"), DcdistError("no")])
def test_each_error_becomes_a_finding_that_says_what_to_do(error: DcdistError) -> None:
    finding = of_error(Check.LIST, error)
    assert (finding.state, finding.message) == (FAILED, "no")
    assert len(finding.advice) > 20


def test_a_folder_that_is_silent_is_no_matter_of_the_network() -> None:
    assert of_silence(Check.CACHE, 8.0).message == "no end within 8 s"
    assert "mount" in of_silence(Check.CACHE, 8.0).advice
    assert "AF_NETLINK" in of_silence(Check.LISTEN, 8.0).advice
    assert "firewall" in of_silence(Check.LIST, 8.0).advice


# The store


def test_a_store_that_is_not_there_failed_and_a_slow_one_is_a_warning() -> None:
    assert store_findings.of_answer("swift://demos", False, 0.1).state is FAILED
    assert store_findings.of_answer("swift://demos", True, 2.0).state is WARNING
    assert store_findings.of_answer("swift://demos", True, 0.0123).message == (
        "swift://demos is there; a small request takes 12 ms"
    )


def test_without_a_listing_a_fetch_must_name_its_release() -> None:
    unnamed = store_findings.of_no_listing("it cannot be listed", has_peers=True, names_release=False)
    assert (unnamed.state, "--demo DEMO@VERSION" in unnamed.advice) == (FAILED, True)


@pytest.mark.parametrize(
    "judge", [store_findings.of_no_writing, partial(store_findings.of_no_listing, names_release=True)]
)
def test_a_store_without_heartbeats_needs_peers(judge: object) -> None:
    assert callable(judge)
    alone, with_peers = judge("it is read-only", has_peers=False), judge("it is read-only", has_peers=True)
    assert (alone.state, with_peers.state) == (FAILED, WARNING)
    assert "hosts cannot find each other through it: they trade with those of --peer only" in alone.message
    assert "name at least one other host with --peer IP:PORT" in alone.advice


def test_a_heartbeat_that_a_listing_does_not_show_is_a_warning() -> None:
    assert store_findings.of_writing(ProbeSeen(100.0, 100.0, 100.0)).state is OK
    assert store_findings.of_writing(ProbeSeen(100.0, None, 100.0)).state is WARNING


@pytest.mark.parametrize(
    ("seen", "state", "words"),
    [
        (ProbeSeen(1000.0, 1000.0, 1001.5), OK, "the store's clock is within two seconds of this host's"),
        (ProbeSeen(1030.0, 1029.0, 1000.0), OK, "the store's clock is 30 s ahead of this host's"),
        (ProbeSeen(1000.0, 1000.0, 1300.0), WARNING, "the store's clock is 5 min behind this host's"),
        (ProbeSeen(1000.0, 980.0, 1000.0), FAILED, "seems 20 s behind the store's own clock"),
    ],
)
def test_the_store_must_agree_with_itself_and_should_with_this_host(
    seen: ProbeSeen, state: FindingState, words: str
) -> None:
    finding = store_findings.of_clock(seen)
    assert finding.state is state
    assert words in finding.message


def test_a_slow_read_is_a_warning() -> None:
    assert store_findings.of_range(RangeSeen("layers/a", 8_000_000, 0.5)).message == (
        "8.00 MB of layers/a came in 0.5 s: 16.0 MB/s, in a single request"
    )
    assert store_findings.of_range(RangeSeen("layers/a", 800_000, 2.0)).state is WARNING


# Servers


def test_each_proxy_is_named_with_its_variable() -> None:
    routes = [RouteSeen("https://a:1/auth", "http://proxy:3128", "HTTPS_PROXY"), RouteSeen("http://b/v1")]
    finding = server_findings.of_routes(routes)
    assert finding.message == "https://a:1/auth by the proxy http://proxy:3128 (HTTPS_PROXY), http://b/v1 directly"
    assert "no_proxy" in finding.advice


def test_a_certificate_that_ends_within_two_weeks_is_a_warning_and_one_that_is_refused_failed() -> None:
    good = CertificateSeen("a:443", 100 * DAY, "Apr 11 1970", "A CA", "the CAs of this system")
    assert server_findings.of_certificates([good], 80 * DAY).state is OK
    assert "valid until Apr 11 1970, signed by A CA" in server_findings.of_certificates([good], 80 * DAY).message
    assert server_findings.of_certificates([good], 90 * DAY).state is WARNING
    refused = CertificateSeen("b:443", authorities="SSL_CERT_FILE=/ca.pem", refusal="self-signed certificate")
    finding = server_findings.of_certificates([good, refused], 0.0)
    assert (finding.state, finding.message) == (
        FAILED,
        "b:443: self-signed certificate (checked with SSL_CERT_FILE=/ca.pem)",
    )


# Releases


def test_the_newest_release_that_a_key_signed_is_named_and_newer_ones_are_passed_over() -> None:
    found = releases(listed("db@1", 1), listed("web@1", 1), listed("web@2", 2, trusted=False))
    finding = release_findings.of_releases(found, demo=None, line=None, has_keys=True)
    assert finding.state is WARNING
    assert finding.message == (
        "newest: db@1 (5.00 MB of layers), web@1 (5.00 MB of layers), signed by a key of --trust; passed over, as no "
        "such key signed them: web@2 (5.00 MB of layers)"
    )
    assert [str(release.name) for release in release_findings.newest(found)] == ["db@1", "web@1"]


@pytest.mark.parametrize(
    ("found", "has_keys", "state"),
    [
        (releases(), True, FAILED),
        (releases(listed("web@1", 1, trusted=False)), True, FAILED),
        (releases(listed("web@1", 1, trusted=None)), False, WARNING),
        (releases(listed("web@1", 1, trusted=False), listed("web@2", 2)), True, OK),
    ],
    ids=["none", "none that a key signed", "no key", "an older one of another key"],
)
def test_a_host_needs_a_release_that_it_trusts(found: Releases, has_keys: bool, state: FindingState) -> None:
    assert release_findings.of_releases(found, demo="web", line=None, has_keys=has_keys).state is state


def test_a_line_of_which_there_is_no_release_is_named_with_those_that_there_are() -> None:
    found = releases(listed("web@1", 1, latest=False))
    finding = release_findings.of_releases(found, demo="web", line=LineId("a" * 32), has_keys=True)
    assert (finding.state, finding.message) == (
        FAILED,
        f"no release is of line {'a' * 32}, which --line names: web@1 of no line",
    )
    assert release_findings.of_releases(found, demo="web", line=None, has_keys=True).message == (
        "there are several lines, and none replaces the others: web@1 of no line"
    )


# How others reach this host


def test_interfaces_are_named_with_addresses_and_mtu() -> None:
    eth0, wg0 = Interface("eth0", ("10.0.0.5", "fd00::5"), 1500), Interface("wg0", ("10.1.0.1",), 576)
    assert reach_findings.of_interfaces([eth0]).message == "eth0 10.0.0.5, fd00::5, MTU 1500"
    assert reach_findings.of_interfaces([eth0, wg0]).state is WARNING
    assert reach_findings.of_interfaces([]).state is WARNING


def test_a_free_port_is_said_to_be_another_next_time() -> None:
    assert "each fetch takes another" in reach_findings.of_listening([HERE], asked=False).message
    assert reach_findings.of_listening([HERE], asked=True).message == "BitTorrent can listen on 10.0.0.5:6881"


@pytest.mark.parametrize(
    ("seen", "state", "words"),
    [
        (AddressSeen(HERE, "--listen says so"), OK, "10.0.0.5:6881 would be announced: --listen says so"),
        (AddressSeen(THERE, "no", "this host listens on IPv4 only"), WARNING, "[fd00::7]:6881 would be announced"),
        (AddressSeen(("127.0.0.1", 1), "there is no other"), WARNING, "only hosts on this machine can connect to it"),
        (
            AddressSeen(("::1", 1), "no", "this host has no address but ::1"),
            WARNING,
            "no; this host has no address but",
        ),
        (AddressSeen(None, ""), FAILED, "this host has no address that others could connect to"),
    ],
)
def test_an_address_that_others_cannot_use_is_said(seen: AddressSeen, state: FindingState, words: str) -> None:
    finding = reach_findings.of_address(seen)
    assert finding.state is state
    assert words in finding.message


@pytest.mark.parametrize(
    ("way", "is_local", "state"),
    [
        (WayBack.HERE, True, OK),
        (WayBack.HERE, False, OK),
        (WayBack.ELSEWHERE, True, FAILED),
        (WayBack.ELSEWHERE, False, FAILED),
        (WayBack.REFUSED, True, FAILED),
        (WayBack.SILENT, True, FAILED),
        (WayBack.REFUSED, False, WARNING),
        (WayBack.SILENT, False, WARNING),
        (WayBack.NO_ROUTE, False, WARNING),
    ],
)
def test_no_way_back_proves_something_only_at_an_address_of_this_host(
    way: WayBack, is_local: bool, state: FindingState
) -> None:
    assert reach_findings.of_way_back(HERE, way, is_local=is_local).state is state


# Other hosts


def _heartbeat(host: str, address: str, *, demo: str = "web", realm: str = "default", age: float = 0.0) -> Entry:
    member = Member(HostId(host * 32), 0, Role.SEEDER, address, 6881, "1", 0)
    return Entry(object_names.swarm_prefix(demo, realm) + heartbeat.name(member), 0, 1000.0 - age)


def test_fresh_hosts_of_the_realm_are_found_once_each_the_freshest_first() -> None:
    entries = (
        _heartbeat("1", "10.0.0.1", age=20.0),
        _heartbeat("1", "10.0.0.1", demo="db", age=5.0),
        _heartbeat("2", "fd00::2", age=1.0),
        _heartbeat("3", "10.0.0.3", age=61.0),
        _heartbeat("4", "10.0.0.4", realm="other"),
        Entry(object_names.swarm_probe("00"), 0, 1000.0),
        Entry("swarm/web/default/nonsense", 0, 1000.0),
    )
    assert member_findings.fresh_addresses(Listing(entries, 1000.0), "default") == [
        ("fd00::2", 6881),
        ("10.0.0.1", 6881),
    ]


def _members(*seen: HostSeen) -> Finding:
    return member_findings.of_members(seen, listed=len(seen), realm="default")


def test_hosts_that_do_not_answer_are_named_with_what_to_open() -> None:
    finding = _members(HostSeen(HERE, Dialled.ANSWERS), HostSeen(THERE, Dialled.SILENT))
    assert finding.state is WARNING
    assert finding.message == (
        "2 host(s) listed: 1 answer; [fd00::7]:6881 does not answer: a firewall may be in between"
    )
    assert finding.advice.startswith("allow TCP from this host to these addresses and ports")


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        ([], SKIPPED),
        ([HostSeen(HERE, Dialled.ANSWERS)], OK),
        ([HostSeen(HERE, Dialled.REFUSED)], FAILED),
        ([HostSeen(HERE, Dialled.OTHER_PROGRAM)], FAILED),
        ([HostSeen(HERE, Dialled.MUTE)], WARNING),
        ([HostSeen(HERE, Dialled.MUTE), HostSeen(THERE, Dialled.REFUSED)], FAILED),
        ([HostSeen(HERE, Dialled.OTHER_FAMILY)], FAILED),
        ([HostSeen(HERE, Dialled.NO_ROUTE), HostSeen(THERE, Dialled.ANSWERS)], WARNING),
        ([HostSeen(HERE, Dialled.SILENT), HostSeen(THERE, Dialled.ANSWERS, is_local=True)], FAILED),
        ([HostSeen(HERE, Dialled.REFUSED, is_local=True), HostSeen(THERE, Dialled.ANSWERS, is_local=True)], WARNING),
    ],
    ids=[
        "nobody",
        "one",
        "refused",
        "other program",
        "silent",
        "silent and refused",
        "other family",
        "one of two",
        "none but here",
        "one of two here",
    ],
)
def test_a_host_trades_if_another_one_answers(seen: list[HostSeen], state: FindingState) -> None:
    assert _members(*seen).state is state
    assert member_findings.of_peers(seen).state is state


def test_a_host_of_another_address_family_is_told_with_both() -> None:
    finding = _members(HostSeen(THERE, Dialled.OTHER_FAMILY))
    assert "[fd00::7]:6881 is IPv6, and this host has only IPv4: unless that host has both" in finding.message
    assert finding.advice == "give both hosts addresses of one family, IPv4 or IPv6"


# Folders and the machine


def _folder(**values: object) -> FolderSeen:
    usual: dict[str, object] = {
        "path": "/cache", "exists": True, "file_system": 1, "free": 50 << 30, "written": 64_000_000,
        "write_seconds": 0.25, "sync_seconds": 0.25,
    }  # fmt: skip
    return FolderSeen(**{**usual, **values})  # type: ignore[arg-type]


FITS, LARGE = Demand("db@1", 1, exact=True), Demand("web@2", 60 << 30, exact=True)


def test_a_good_folder_is_told_with_its_room_and_speed() -> None:
    assert folder_findings.of_folder(Check.CACHE, _folder(), demands=[FITS], shared_with="/images").message == (
        "/cache; 53.7 GB free, shared with /images; 64.0 MB written at 256 MB/s, with sync at 128 MB/s"
    )


@pytest.mark.parametrize(
    ("seen", "demands", "state", "words"),
    [
        (_folder(exists=False), [], OK, "/cache does not exist yet, and can be made"),
        (_folder(lacks=("lock a file",)), [], FAILED, "the file system cannot lock a file"),
        (_folder(free=0, written=0), [], FAILED, "0 B free"),
        (_folder(), [LARGE], FAILED, "53.7 GB free; 64.0 MB written at 256 MB/s, with sync at 128 MB/s; too little: "),
        (_folder(), [LARGE], FAILED, "too little: web@2 still needs 64.4 GB"),
        (_folder(), [FITS, LARGE], WARNING, "too little: web@2 still needs 64.4 GB"),
        (_folder(), [Demand("web@2", 60 << 30, exact=False)], WARNING, "web@2 still needs up to 64.4 GB"),
        (_folder(), [Demand("web@2", 50 << 30, exact=True)], OK, "53.7 GB free"),
        (_folder(not_sparse=True), [FITS], WARNING, "zeros take room too"),
        (_folder(sync_seconds=60.0), [], WARNING, "the disk would hold up a fetch"),
        (_folder(free=500 << 20), [], WARNING, "524 MB free"),
    ],
)
def test_what_a_folder_lacks_is_said(seen: FolderSeen, demands: list[Demand], state: FindingState, words: str) -> None:
    finding = folder_findings.of_folder(Check.CACHE, seen, demands=demands)
    assert finding.state is state
    assert words in finding.message


def test_a_host_without_libtorrent_cannot_trade() -> None:
    assert machine_findings.of_software(SoftwareSeen("0.1.0", "3.11.7", "2.1.1.0")).message == (
        "dcdist 0.1.0, Python 3.11.7, libtorrent 2.1.1.0"
    )
    assert machine_findings.of_software(SoftwareSeen("0.1.0", "3.11.7", "2.0.9.0")).state is WARNING
    assert machine_findings.of_software(SoftwareSeen("0.1.0", "3.11.7", "", "no such module")).state is FAILED


@pytest.mark.parametrize(("limit", "state"), [(100, FAILED), (1024, WARNING), (4096, OK), (float("inf"), OK)])
def test_few_open_files_are_said(limit: float, state: FindingState) -> None:
    assert machine_findings.of_open_files(limit).state is state


@pytest.mark.parametrize(("available", "state"), [(None, SKIPPED), (100 << 20, WARNING), (1 << 30, OK)])
def test_little_memory_is_said(available: int | None, state: FindingState) -> None:
    assert machine_findings.of_memory(available).state is state
