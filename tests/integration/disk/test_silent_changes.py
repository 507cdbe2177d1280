"""Files of a destination whose bytes changed, though their size and time of writing say nothing of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from dcdist.ports.images import InPlace
from tests.support.deliveries import DeliverySite

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = {"web.img": b"web 1", "x.iso": b"iso"}


@pytest.fixture
def site(tmp_path: Path) -> DeliverySite:
    return DeliverySite(tmp_path / "images")


async def test_an_image_with_other_bytes_of_the_same_size_and_time_is_noticed_by_its_time_of_change(
    site: DeliverySite,
) -> None:
    await site.deliver("st@1", IMAGES)
    status = os.stat(site.folder / "web.img")
    (site.folder / "web.img").write_bytes(b"WEB 1")
    os.utime(site.folder / "web.img", ns=(status.st_atime_ns, status.st_mtime_ns))
    found = await site.deliver("st@1", IMAGES)

    assert found["web.img"] is InPlace.ABSENT
    assert site.read() == {"web.img"}
    assert site.content()["web.img"] == b"web 1"
    (told,) = site.troubles()
    assert told.startswith(f"{site.folder / 'web.img'}: its bytes are not those that were written, though its size and")


async def test_an_image_that_only_got_another_mode_is_not_called_damaged_when_an_update_replaces_it(
    site: DeliverySite,
) -> None:
    await site.deliver("st@1", IMAGES)
    (site.folder / "web.img").chmod(0o600)
    await site.deliver("st@2", {**IMAGES, "web.img": b"web 2"})

    assert (site.read(), site.troubles(), site.told()) == ({"web.img"}, [], [])


async def test_metadata_with_other_bytes_of_the_same_size_and_time_is_replaced_and_that_is_told(
    site: DeliverySite,
) -> None:
    await site.deliver("st@1", IMAGES, {"plan": b"vlan 7"})
    plan = site.folder / "metadata" / "plan"
    status = os.stat(plan)
    plan.write_bytes(b"vlan 8")
    os.utime(plan, ns=(status.st_atime_ns, status.st_mtime_ns))
    await site.deliver("st@1", IMAGES, {"plan": b"vlan 7"})

    assert site.told() == ["replaced metadata/plan: it was changed since st@1 brought it"]
    assert site.content()["metadata/plan"] == b"vlan 7"
