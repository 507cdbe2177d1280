"""Plain calls refuse what they cannot use before anything begins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import dcdist
from tests.support.publishing import KEY

URL = "file:///store"
WHERE: dict[str, Any] = {"dest": "/images", "cache": "/cache"}


async def test_within_an_event_loop_each_names_the_asynchronous_call() -> None:
    with pytest.raises(dcdist.errors.UsageError, match=r"^fetch_release runs an event loop .*`dcdist\.fetch`"):
        dcdist.fetch_release(URL, "web", trust=KEY.public, **WHERE)
    with pytest.raises(dcdist.errors.UsageError, match=r"^publish_release runs an event loop .*`dcdist\.publish`"):
        dcdist.publish_release(URL, "web@1", ["web.xva"], key="publisher.key")


@pytest.mark.parametrize("options", [{}, WHERE, "stream", 5])
def test_options_of_another_type_are_refused(options: Any) -> None:  # noqa: ANN401
    with pytest.raises(dcdist.errors.UsageError, match=r"^options=.* must be FetchOptions"):
        dcdist.fetch_release(URL, "web", trust=KEY.public, options=options)


@pytest.mark.parametrize("options", [{}, None])
async def test_the_asynchronous_calls_refuse_options_of_another_type(options: Any) -> None:  # noqa: ANN401
    nothing: Any = None
    with pytest.raises(dcdist.errors.UsageError, match=r"^options=.* must be FetchOptions"):
        await dcdist.fetch(nothing, nothing, options, report=print)
    with pytest.raises(dcdist.errors.UsageError, match=r"^options=.* must be FetchOptions"):
        await dcdist.seed(nothing, nothing, options, report=print, stop=nothing)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"store": Path("/store")}, r"^store=.* must be str"),
        ({"release": None}, "^release=None .*must be str"),
        ({"trust": None}, "^trust=None .*must be Path"),
        ({"trust": []}, r"^trust=\[\] is empty: give at least one"),
        ({"trust": [5]}, "^trust=5 .*must be Path"),
    ],
)
def test_an_argument_of_a_fetch_that_cannot_be_used_is_named(changed: dict[str, Any], words: str) -> None:
    arguments: dict[str, Any] = {"store": URL, "release": "web", "trust": KEY.public, **WHERE, **changed}
    with pytest.raises(dcdist.errors.UsageError, match=words):
        dcdist.fetch_release(**arguments)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"files": []}, r"^files=\[\] is empty: give at least one"),
        ({"files": None}, "^files=None .*must be Path"),
        ({"files": ["web.xva", 5]}, "^files=5 .*must be Path"),
        ({"key": None}, "^key=None .*must be Path"),
        ({"release": 5}, "^release=5 .*must be str"),
        ({"new_line": "no"}, "^new_line='no' is invalid"),
        ({"newline": True}, "^publish_release has no option newline; there are allow_empty, line, new_line"),
    ],
)
def test_an_argument_of_a_publish_that_cannot_be_used_is_named(changed: dict[str, Any], words: str) -> None:
    arguments: dict[str, Any] = {"store": URL, "release": "web@1", "files": ["web.xva"], "key": "key", **changed}
    with pytest.raises(dcdist.errors.UsageError, match=words):
        dcdist.publish_release(**arguments)


@pytest.mark.parametrize("single", [str, Path])
def test_one_path_is_one_file(single: type[str | Path], tmp_path: Path) -> None:
    keys = dcdist.generate_keys(tmp_path / "keys")
    (tmp_path / "app.img").write_bytes(b"app" * 1000)
    published = dcdist.publish_release(
        (tmp_path / "store").as_uri(), "lib@2", single(tmp_path / "app.img"), key=keys.key
    )
    assert [image.name for image in published.release.images] == ["app.img"]


def test_a_publish_takes_keys_and_lines_as_text(tmp_path: Path) -> None:
    first, second = (dcdist.generate_keys(tmp_path / name) for name in ("first", "second"))
    (tmp_path / "app.img").write_bytes(b"app" * 1000)
    store, image, lost = (tmp_path / "store").as_uri(), tmp_path / "app.img", "5" * 32

    begun = dcdist.publish_release(store, "lib@1", image, key=first.key)
    on = dcdist.publish_release(store, "lib@2", image, key=second.key, trust=str(first.public), replaces=lost)
    line = str(begun.release.line)
    again = dcdist.publish_release(store, "lib@3", image, key=second.key, trust=[first.public], line=line)
    new = dcdist.publish_release(store, "lib@4", image, key=second.key, new_line=True)

    assert [each.release.serial for each in (begun, on, again, new)] == [1, 2, 3, 1]
    assert on.release.line == begun.release.line
    assert (again.release.replaces, new.release.replaces) == ((lost,), (line, lost))
    with pytest.raises(dcdist.errors.UsageError, match="'nonsense' is not the id of a line"):
        dcdist.publish_release(store, "lib@5", image, key=second.key, line="nonsense")
