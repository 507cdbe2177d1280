"""Publishes' journals: what is read can be written again; only the signed object itself counts as signed."""

from __future__ import annotations

import msgpack

from dcdist.formats import envelope, journal
from dcdist.formats.journal import Journal, JournalLayer, PublisherProcess
from dcdist.formats.signature import PrivateKey
from dcdist.model.identity import ReleaseName
from tests.fuzz.objects import MADE, Form, stored, wrapped, written_again
from tests.fuzz.recipes import Recipe, recipes
from tests.fuzz.target import REFUSALS, Target, require
from tests.support.format_objects import LAYER, OTHER_LAYER, digest, take_apart

_JOURNAL = Journal(
    ReleaseName("web-demo", "3"),
    PublisherProcess("host 0123", "boot", 42, 1 << 40),
    (JournalLayer(LAYER, (digest(b"0"), None, digest(b"2"))), JournalLayer(OTHER_LAYER, ())),
    (LAYER, OTHER_LAYER),
)
_KEY = PrivateKey(bytes(range(32)))
_FORM = Form(journal.encode(_JOURNAL, "one", _KEY))
_VALID = take_apart(_FORM.valid).body
_PAYLOAD = _VALID["payload"]
assert isinstance(_PAYLOAD, bytes)
_PLAIN = msgpack.unpackb(_PAYLOAD)
_NEWER = 4
_VERSION_1 = Form(msgpack.packb(["dcdist-journal", 1, stored(_PAYLOAD)]))


def run(data: bytes) -> None:
    """See Form; MADE is a signed journal whose payload is bent. One bit asks for version 2, else it is version 1."""
    made = _made(data)
    signed = journal.is_signed(made, "one", _KEY.public)
    if signed:
        require(take_apart(made).body["payload"] == _PAYLOAD, "what counts as signed is what was signed")
    require(not journal.is_signed(made, "two", _KEY.public), "a journal counts under its own ID alone")
    try:
        read = journal.decode(made)
    except REFUSALS as error:
        require(len(str(error)) < 2000, "a message is short")
        return
    if written_again(data):
        require(journal.decode(journal.encode(read, "one", _KEY)) == read, "what can be read can be written")


def _made(data: bytes) -> bytes:
    if data and data[0] % 4 == MADE:
        payload = msgpack.packb(Recipe(data[1:]).edited(dict(_PLAIN)))
        return wrapped("dcdist-journal", msgpack.packb(_VALID | {"payload": payload}), 2)
    return (_FORM if data and data[0] & _NEWER else _VERSION_1).object_of(data)


def _seeds() -> list[bytes]:
    return [
        *_VERSION_1.seeds(),
        *(bytes([each[0] | _NEWER]) + each[1:] for each in _FORM.seeds()),
        *(bytes([MADE]) + each for each in recipes(_PLAIN)),
    ]


TARGET = Target("journal", run, [journal.decode, envelope.decode_with_version], _seeds)
