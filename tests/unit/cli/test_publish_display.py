"""What people are told about the images of a publish."""

from __future__ import annotations

import pytest

from dcdist.cli.display.publish_display import line
from dcdist.publishing import ImageStarted


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (ImageStarted("web.xva", 5_000_000, xva=True), "reading web.xva (5.00 MB, checked as an XVA)"),
        (ImageStarted("web.xva", None, xva=True), "reading web.xva (checked as an XVA)"),
        (ImageStarted("x.raw", 5_000_000, xva=False), "reading x.raw (5.00 MB, not an XVA, published as it is)"),
        (
            ImageStarted("x.qcow2", 5_000_000, xva=False, looks_like="a qcow2 disk image"),
            "reading x.qcow2 (5.00 MB, looks like a qcow2 disk image, published as it is)",
        ),
        (
            ImageStarted("web.xva.xz", 5_000_000, xva=False, looks_like="an xz file", compressed=True),
            "reading web.xva.xz (5.00 MB, looks like an xz file: published as it is, unchecked, and shares nothing "
            "with other versions; unpack it to share)",
        ),
    ],
)
def test_an_image_is_said_to_be_what_is_known_of_it(event: ImageStarted, text: str) -> None:
    assert line(event) == text
