"""What users write is read in one way, or refused with both."""

from __future__ import annotations

import pytest

from dcdist.errors import UsageError
from dcdist.model.option_text import parse_address, parse_duration, parse_rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("20MB", 20_000_000),
        ("2MB", 2_000_000),
        ("20mb", 20_000_000),
        ("20M", 20_000_000),
        ("500k", 500_000),
        ("500kB", 500_000),
        ("1.5MiB", 1_572_864),
        ("1GiB", 1_073_741_824),
        ("2g", 2_000_000_000),
        ("300000", 300_000),
        ("20 MB/s", 20_000_000),
        ("160mbit", 20_000_000),
        ("160Mbit", 20_000_000),
        ("1gbit", 125_000_000),
        ("8kibit", 1024),
        ("800bit", 100),
    ],
)
def test_a_rate_is_bytes_or_bits_a_second(text: str, rate: float) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    "text", ["", "MB", "-1", "1e6", "20MX", "20mbps", "inf", "nan", "20,5MB", "9" * 400, "\u0661MB"]
)
def test_what_is_no_rate_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="20MB"):
        parse_rate(text)


def test_what_may_be_bits_or_bytes_is_refused_with_both_ways_to_write_it() -> None:
    with pytest.raises(UsageError, match="write 20MB for bytes or 20mbit"):
        parse_rate("20Mb")


@pytest.mark.parametrize("text", ["0", "0MB", "0.0001k", "1bit"])
def test_a_rate_that_would_never_end_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="too slow: the minimum is 1 byte a second"):
        parse_rate(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("0s", 0), ("90s", 90), ("30m", 1800), ("2h", 7200), ("1.5h", 5400), ("1d", 86400)]
)
def test_a_duration_has_a_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-1s", "1w", "1h30m", "forever", "1e3s"])
def test_what_is_no_duration_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match="write 90s, 30m, 2h, 1d or 0"):
        parse_duration(text)


def test_a_duration_without_a_unit_is_refused_with_a_guess() -> None:
    with pytest.raises(UsageError, match=r"did you mean 90s\?"):
        parse_duration("90")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.5:6881", ("10.0.0.5", 6881)),
        ("[fd00::5]:6881", ("fd00::5", 6881)),
        ("[FD00:0:0::5]:6881", ("fd00::5", 6881)),
        ("127.0.0.1:1024", ("127.0.0.1", 1024)),
    ],
)
def test_an_address_is_ip_and_port(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0.0.0.0:0", ("0.0.0.0", 0)),
        ("[::]:0", ("::", 0)),
        ("10.0.0.5:0", ("10.0.0.5", 0)),
        ("0.0.0.0:6881", ("0.0.0.0", 6881)),
    ],
)
def test_only_to_listen_any_port_and_all_addresses_will_do(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text, any_port=True) == address
    with pytest.raises(UsageError, match="not an address to connect to"):
        parse_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.5", "10.0.0.5:", ":6881", "host:6881", "fd00::5:6881", "[10.0.0.5]:6881", "[fd00::5]", "10.0.0.5:70000",
        "10.0.0.5:-1", "10.0.0.5:1", "[fd00::5]:1023", "10.0.0:1",
        "[fe80::1%eth0]:1", "10.0.0.5:6881x", "", "10.0.0.5:\u0663",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"not an address|no usable port"):
        parse_address(text, any_port=True)
