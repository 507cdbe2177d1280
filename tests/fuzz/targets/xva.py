"""XVAs, as streams in any split: what goes in comes out, and the split decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dcdist.errors import XvaError
from dcdist.formats.file_kind import kind_of
from dcdist.formats.xva import Content, Literal, XvaReader, begins_like_an_xva
from tests.fuzz.recipes import Recipe, recipes
from tests.fuzz.target import Target, require
from tests.support.xva import END, Disk, archive, checksum_of, document, members, sealed, tar_header, xml_object, xva

if TYPE_CHECKING:
    from tests.support.format_objects import Plain

_DISKS = (Disk("Ref:4", b"a" * 600 + bytes(424)), Disk("Ref:5", b"b" * 4096 + bytes(4096) + b"c" * 100, frozenset([1])))
_VDIS = [xml_object("VDI", each.reference, virtual_size=str(len(each.content)), type="suspend") for each in _DISKS]
# Two objects instead of seven: most of the time of an execution is that of the XML.
_SHORT = replace(members(_DISKS)[0], body=document("".join(_VDIS)))
_MEMBERS: list[Plain] = [[each.name, each.body, 0, 0, b""] for each in (_SHORT, *members(_DISKS)[1:])]
_SPLITS = (1 << 20, 512, 511, 100, 4096)


@dataclass(frozen=True, slots=True)
class _Outcome:
    taken: bool
    told: str
    content: bytes


def run(data: bytes) -> None:
    """The first byte: the split, and whether the rest is an XVA or changes to the members of one."""
    first, rest = data[0] if data else 0, data[1:]
    made = _archive(Recipe(rest)) if first & 1 else rest
    kind = kind_of(made)
    require(kind is None or 0 < len(kind.words) < 200, "a kind is named in a few words")
    require(kind is None or kind.words.isprintable(), "the words can be shown")
    if begins_like_an_xva(made[:512]):
        require(kind is None or not kind.compressed, "an XVA does not look compressed")
    whole = _read(made, len(made) or 1)
    require(len(whole.told) < 2000, "a message is short")
    if first & 128:
        split = _read(made, _SPLITS[first // 2 % len(_SPLITS)])
        require(whole.taken == split.taken, "the split of the bytes decides nothing")
        require(not whole.taken or whole == split, "the split of the bytes changes nothing")


def _read(made: bytes, step: int) -> _Outcome:
    reader = XvaReader()
    joined, content = bytearray(), bytearray()
    try:
        for start in range(0, len(made), step):
            for part in reader.receive(made[start : start + step]):
                joined += part.data
                match part:
                    case Content():
                        content += part.data
                    case Literal():
                        pass
        reader.finish()
    except XvaError as error:
        require(bool(error.member) or not made[:1].strip(b"\0"), "an error names its member")
        return _Outcome(False, str(error), b"")
    require(joined == made, "the parts, joined, are the XVA")
    return _Outcome(True, "", bytes(content))


def _archive(recipe: Recipe) -> bytes:
    """The members after changes, with right checksums of headers and, if the recipe wants it, of blocks."""
    right, style = recipe.number(), recipe.number()
    end = END if right & 2 else recipe.take(right)
    made = bytearray()
    block = b""
    listed = recipe.edited(_MEMBERS)
    for each in listed if isinstance(listed, list) else ():
        if not isinstance(each, list) or len(each) < 5:
            continue
        name, body, flags, size, tail = each[:5]
        if not (isinstance(name, str) and isinstance(body, bytes) and isinstance(flags, int) and isinstance(size, int)):
            continue
        if right & 1 and name.endswith(".xxhash"):
            body = checksum_of(block, "xxhash")
        if right & 4 and name.endswith(".xxhash"):
            name, body = name.replace("xxhash", "checksum"), checksum_of(block, "checksum")
        block = body
        made += _header(name, len(body) + size, style, flags) + body + bytes(-len(body) % 512)
        made += tail if isinstance(tail, bytes) else b""
    return bytes(made + end)


def _header(name: str, size: int, style: int, flags: int) -> bytes:
    field = b"%011o\0" % (size % (1 << 33))
    encoded = name.encode()[:100].decode("utf-8", "ignore")
    head = tar_header(encoded, 0, ("v7", "ustar", "gnu")[style % 3], size_field=field)
    if not flags:
        return head
    bent = bytearray(head)
    bent[flags % 512] = flags // 512 % 256
    return sealed(bent) if flags > 0 else bytes(bent)


def seeds() -> list[bytes]:
    """A small XVA as it is, and changes of each sort to the members of one."""
    small = [xva(Disk("Ref:4", b"x" * 30)), xva(), xva(Disk("Ref:4", b"x" * 30), checksum="checksum", style="ustar")]
    edits = [
        bytes([1 + 2 * (right % 5), right, right % 3]) + recipe for right in (3, 135) for recipe in recipes(_MEMBERS)
    ]
    edits += [bytes([1, right, style]) for right in (2, 3, 6, 7) for style in range(3)]
    failed = b"HTTP/1.1 500 Internal Error\r\n\r\n"
    small.append(archive(members([Disk("Ref:4", b"x" * 30)], digits=20)))
    small += [b"<html>", b"\n<!-- x --><?xml", b"\xfd7zXZ\0", b"PK\3\4", b"QFI\xfb", tar_header("vm.ovf", 5), failed]
    plain = [bytes([split]) + each for each in small for split in (0, 130, 134)]
    return [*plain, b"\x01\x02", b"\x01\x03", b"\x01\x06", b"\0" + small[0][:700] + failed, *edits]


TARGET = Target("xva", run, [XvaReader.receive, XvaReader.finish, begins_like_an_xva, kind_of], seeds, max_length=4096)
