"""Publishes' journals: what is read can be written again."""

from __future__ import annotations

from dcdist.formats import journal
from dcdist.formats.journal import Journal, JournalLayer, PublisherProcess
from dcdist.model.identity import ReleaseName
from tests.fuzz.objects import Form, written_again
from tests.fuzz.target import REFUSALS, Target, require
from tests.support.format_objects import LAYER, OTHER_LAYER, digest

_JOURNAL = Journal(
    ReleaseName("web-demo", "3"),
    PublisherProcess("host 0123", "boot", 42, 1 << 40),
    (JournalLayer(LAYER, (digest(b"0"), None, digest(b"2"))), JournalLayer(OTHER_LAYER, ())),
    (LAYER, OTHER_LAYER),
)
_FORM = Form(journal.encode(_JOURNAL))


def run(data: bytes) -> None:
    """See Form."""
    try:
        read = journal.decode(_FORM.object_of(data))
    except REFUSALS as error:
        require(len(str(error)) < 2000, "a message is short")
        return
    if written_again(data):
        require(journal.decode(journal.encode(read)) == read, "what can be read can be written")


TARGET = Target("journal", run, [journal.decode], _FORM.seeds)
