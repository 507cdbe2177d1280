"""Which of some layers the store still needs: before a publish deletes what it began itself.

Invariant: a layer is in use if any release names it, of whatever demo and whoever signed it, or the journal of another
publish. If a release cannot be read, nobody knows what it names, and the question has no answer.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from dcdist.catalog.manifest_reads import ManifestReads, read_each
from dcdist.catalog.publishes import visit_publishes
from dcdist.errors import FormatError, ObjectMissingError
from dcdist.formats import manifest, object_names

if TYPE_CHECKING:
    from collections.abc import Collection
    from collections.abc import Set as AbstractSet

    from dcdist.catalog.publishes import ListedPublish
    from dcdist.formats.signature import PublicKey
    from dcdist.model.identity import LayerName
    from dcdist.ports.store import Entry, Store

RELEASES_LIMIT: Final = 10_000
"""The most releases that are read for this."""


async def layers_in_use(
    store: Store, layers: AbstractSet[LayerName], *, key: PublicKey, ended: Collection[str]
) -> frozenset[LayerName]:
    """Those of `layers` that a release or a journal names, but for the journals of the publishes `ended`.

    Raises:
        FormatError: A release cannot be read, or there is too much to read; the message names it.
        StoreError: The store cannot be read or listed.
    """
    found: set[LayerName] = set()

    def visit(publish: ListedPublish) -> None:
        if publish.publish not in ended:
            found.update(publish.needs & layers)

    # Journals first: a publish that ends meanwhile has made its release visible before its journal goes.
    if (unread := await visit_publishes(store, key, visit)).too_many:
        raise FormatError(f"{object_names.PUBLISHES} has {unread.too_many} journals more than are read")
    listing = await store.list(object_names.releases_prefix(None))
    if len(listing.entries) > RELEASES_LIMIT:
        raise FormatError(f"{object_names.releases_prefix(None)} has over {RELEASES_LIMIT} objects")

    wanted = [entry for entry in listing.entries if object_names.parse_release(entry.key) is not None]
    with ManifestReads(store) as reads:

        async def read(entry: Entry) -> None:
            try:
                found.update(await reads.read(entry, partial(_named_of, layers)))
            except ObjectMissingError:
                return
            except FormatError as error:
                error.add_context(place=entry.key)
                raise

        await read_each(wanted, read)
    return frozenset(found)


def _named_of(layers: AbstractSet[LayerName], data: bytes) -> frozenset[LayerName]:
    """Those of `layers` that the release with this manifest names, whoever signed it."""
    return frozenset(layer.name for layer in manifest.read_unverified(data).layers if layer.name in layers)
