"""What a publish believes of the releases in the store: those that its keys signed, and no other.

Invariant: an object that no key of the request signed changes neither serial nor line, and nothing is shared with it.
It is noted, a few of them by name.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dcdist.catalog.releases import visible_releases
from dcdist.errors import UsageError
from dcdist.formats import object_names
from dcdist.model.identity import LineId
from dcdist.publishing.few_notes import FewNotes
from dcdist.publishing.next_in_line import next_position
from dcdist.publishing.publish_events import NotShared
from dcdist.publishing.sharing.shared_layers import layers_to_share

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dcdist.catalog.releases import VisibleRelease
    from dcdist.model.release import LayerEntry, Release
    from dcdist.ports.store import Store
    from dcdist.publishing.next_in_line import LinePosition
    from dcdist.publishing.publish_events import PublishEvent
    from dcdist.publishing.publish_request import PublishRequest


@dataclass(frozen=True, slots=True)
class OwnReleases:
    """The demo's releases that a key of the request signed, and the layers of all demos that may be shared.

    `fresh_line`: the id of the line that begins with this publish, if one does.
    """

    of_demo: tuple[Release, ...]
    shareable: tuple[LayerEntry, ...]
    fresh_line: LineId

    def next_position(self, request: PublishRequest) -> LinePosition:
        """The line and the serial of the release that the request publishes.

        Raises:
            UsageError: There are several lines, or not the one that is wanted; or no serial is left.
        """
        return next_position(request.name.demo, self.of_demo, request.lines, fresh=self.fresh_line)

    async def seen_again(self, store: Store, request: PublishRequest) -> OwnReleases:
        """With those that became visible meanwhile; one that was deleted meanwhile keeps its serial.

        Raises:
            StoreError: The store cannot be read or listed.
        """
        demo = request.name.demo
        visible = await visible_releases(store, demo=demo, trusted=request.keys, skipped=lambda _key, _reason: None)
        releases = (*self.of_demo, *(each.release for each in visible if each.trusted))
        # By serial and line too: an older one of the same name may be back in place of what was there.
        once = {(release.name, release.line, release.serial): release for release in releases}
        return replace(self, of_demo=tuple(once.values()))


async def read_own_releases(
    store: Store, request: PublishRequest, report: Callable[[PublishEvent], None]
) -> OwnReleases:
    """Look at all releases of the store.

    Raises:
        UsageError: The demo has releases, none of them signed by a key of the request, which does not allow that.
        StoreError: The store cannot be read or listed.
    """
    demo = request.name.demo
    notes = FewNotes(report, NotShared, place=object_names.releases_prefix(None))
    visible = await visible_releases(store, demo=None, trusted=request.keys, skipped=notes.note)
    notes.finish()
    ours = tuple(each.release for each in visible if each.trusted and each.release.name.demo == demo)
    strange = [each for each in visible if not each.trusted and each.release.name.demo == demo]
    _tell_of_strangers(demo, strange, report)
    if strange and not ours and not request.other_signer:
        raise _no_release_is_ours(store, request, strange)
    return OwnReleases(ours, tuple(layers_to_share(visible, demo)), LineId(secrets.token_hex(16)))


def _tell_of_strangers(demo: str, strange: Sequence[VisibleRelease], report: Callable[[PublishEvent], None]) -> None:
    """Note what others signed, those with the highest serials first: hosts that trust them may follow them."""
    notes = FewNotes(report, NotShared, place=object_names.releases_prefix(demo))
    for each in sorted(strange, key=lambda each: (-each.release.serial, each.release.name.version)):
        notes.note(
            object_names.release(each.release.name),
            f"no key that this publisher trusts has signed it, so its serial {each.release.serial} does not count; if "
            "it is of another publisher whom the hosts trust, give that key with --trust (trust=)",
        )
    notes.finish()


def _no_release_is_ours(store: Store, request: PublishRequest, strange: Sequence[VisibleRelease]) -> UsageError:
    demo = request.name.demo
    return UsageError(
        f"{store}: {demo} has releases, such as {strange[-1].release.name}, and neither this key "
        f"({request.key.public.identity}) nor one that --trust names signed any of them: hosts that trust only their "
        f"signer would pass over {request.name}. If they are of another publisher, give that key with --trust "
        "(trust=), or publish with it. If the hosts trust this key already, publish with --other-signer "
        "(other_signer=True)"
    )
