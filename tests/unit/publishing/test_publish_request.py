"""What can be asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from dcdist.errors import UsageError
from dcdist.formats.signature import PrivateKey
from dcdist.model.identity import ReleaseName
from dcdist.publishing.publish_request import Cut, ImageSource, PublishRequest

KEYS = [PrivateKey(bytes([number]) * 32) for number in range(3)]


@pytest.mark.parametrize(
    "lengths", [(0, 10, 100), (20, 10, 100), (1 << 20, 4 << 20, 4 << 30), (10, 20, 10), (10, 20, (4 << 30) + 1)]
)
def test_lengths_that_do_not_fit_together_are_refused(lengths: tuple[int, int, int]) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        Cut(*lengths)


def test_the_ordinary_cut() -> None:
    assert Cut() == Cut(chunk=65_536, frame=1_048_576, layer=4_294_967_296)


def test_the_own_key_is_always_trusted_and_once() -> None:
    own, other, third = KEYS
    request = PublishRequest(ReleaseName("a", "1"), (), own, trusted=(other.public, own.public, third.public))

    assert request.keys == (own.public, other.public, third.public)


def test_a_file_is_published_under_its_own_name() -> None:
    assert ImageSource.of(Path("/images/web.xva")) == ImageSource("web.xva", Path("/images/web.xva"))
