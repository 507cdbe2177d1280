from __future__ import annotations

import pytest

from dcdist.errors import DiskFullError
from dcdist.model.space import SpaceNeeded, require_space


def test_what_fits_exactly_fits() -> None:
    require_space([SpaceNeeded("/cache", 1, 100, 100), SpaceNeeded("/images", 2, 50, 50)])
    require_space([])


def test_needs_on_one_file_system_are_added_up() -> None:
    with pytest.raises(
        DiskFullError, match=r"/cache .* and /images .* share one file system, still need 101 B"
    ) as caught:
        require_space([SpaceNeeded("/cache", 1, 60, 100), SpaceNeeded("/images", 1, 41, 100)])
    assert (caught.value.needed, caught.value.free, caught.value.path) == (101, 100, "/cache")


def test_each_file_system_is_checked_by_itself() -> None:
    with pytest.raises(DiskFullError, match=r"not enough space: /images \(8 B\) still needs 8 B") as caught:
        require_space([SpaceNeeded("/cache", 1, 60, 100), SpaceNeeded("/images", 2, 8, 7)])
    assert (caught.value.needed, caught.value.free, caught.value.path) == (8, 7, "/images")
