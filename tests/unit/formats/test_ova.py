"""Which disks `ova.xml` promises."""

from __future__ import annotations

import pytest

from dcdist.errors import FormatError
from dcdist.formats.ova import Disk, read_disks
from tests.support.xva import document, ova, xml_object

SR = xml_object("SR", "Ref:3", content_type="user")
ISO_SR = xml_object("SR", "Ref:4", content_type="iso")


def test_disks_come_in_the_string_order_of_their_references() -> None:
    assert read_disks(ova([("Ref:9", 1), ("Ref:10", 2), ("Ref:11", 3)])) == (
        Disk("Ref:10", 2),
        Disk("Ref:11", 3),
        Disk("Ref:9", 1),
    )


def test_cd_drives_and_disks_in_iso_storage_are_not_streamed() -> None:
    objects = (
        xml_object("VBD", "Ref:0", VDI="OpaqueRef:NULL", type="CD")
        + xml_object("VBD", "Ref:1", VDI="Ref:2", type="Disk")
        + xml_object("VDI", "Ref:2", virtual_size="5", SR="Ref:4", type="user")
        + ISO_SR
    )

    assert read_disks(document(objects)) == ()


def test_a_suspend_image_is_streamed_without_a_drive() -> None:
    objects = xml_object("VDI", "Ref:2", virtual_size="5", SR="Ref:3", type="suspend") + SR

    assert read_disks(document(objects)) == (Disk("Ref:2", 5),)


def test_a_disk_without_a_drive_is_not_streamed() -> None:
    objects = xml_object("VDI", "Ref:2", virtual_size="5", SR="Ref:3", type="user") + SR

    assert read_disks(document(objects)) == ()


def test_a_disk_with_two_drives_is_streamed_once() -> None:
    extra = xml_object("VBD", "Ref:50", VDI="Ref:1", type="Disk")

    assert read_disks(ova([("Ref:1", 5)], extra=extra)) == (Disk("Ref:1", 5),)


def test_a_prolog_is_allowed() -> None:
    assert read_disks(b'<?xml version="1.0"?>\n' + ova([("Ref:1", 5)])) == (Disk("Ref:1", 5),)


@pytest.mark.parametrize(
    ("xml", "why"),
    [
        (b"", "it holds 0 values instead of one"),
        (b"<value><struct>", "not an XML-RPC value"),
        (b"<value>text</value>", "the document is not a struct"),
        (b"<value><int>1</int></value>", "the document is not a struct"),
        (2 * ova([]), "it holds 2 values instead of one"),
        (b"<value><int>9a</int></value>", "not an XML-RPC value"),
        (b"<fault><value><struct></struct></value></fault>", "version is not a struct"),
        (b"\xff\xfe<\0v\0", "not an XML-RPC value"),
        (ova([], version=1), "export_vsn is 1; only 2"),
        (ova([], version=0), "export_vsn is 0; only 2"),
        (b"<value><struct></struct></value>", "version is not a struct"),
        (ova([("Ref:1", 1), ("Ref:1", 1)]), "two objects have the id 'Ref:1'"),
        (document("<value>text</value>"), "an object is not a struct"),
        (document(xml_object("VBD", "", type="Disk")), "the id of an object is not text"),
        (document(xml_object("VBD", "Ref:1", VDI="Ref:2")), "Ref:1 names the VDI 'Ref:2', which does not exist"),
        (document(xml_object("VBD", "Ref:1", VDI="Ref:3") + SR), "Ref:1 names the VDI 'Ref:3', which does not exist"),
        (
            document(xml_object("VBD", "Ref:1", VDI="Ref:2") + xml_object("VDI", "Ref:2", SR="Ref:9")),
            "Ref:2 names the SR 'Ref:9', which does not exist",
        ),
        (ova([("Ref:1", -1)]), "the virtual_size of Ref:1 is '-1', which is not a size"),
        (ova([("Ref:1", 10**18)]), "the virtual_size of Ref:1 is"),
    ],
)  # fmt: skip
def test_what_xenserver_never_writes_is_refused(xml: bytes, why: str) -> None:
    with pytest.raises(FormatError, match=why):
        read_disks(xml)


@pytest.mark.parametrize(
    "text", ["<bigdecimal>x</bigdecimal>", "<base64>A</base64>", "<int>9</i8>", "<double>x</double>"]
)
def test_values_that_the_xml_parser_cannot_read_are_refused(text: str) -> None:
    xml = document("").replace(b"<value>2</value>", f"<value>{text}</value>".encode())

    with pytest.raises(FormatError, match="not an XML-RPC value"):
        read_disks(xml)


def test_values_nested_too_deep_to_be_shown_are_refused() -> None:
    deep = b"<value><array><data>" * 5000 + b"</data></array></value>" * 5000
    disks = ova([("Ref:4", 77)])

    with pytest.raises(FormatError, match="export_vsn is a list"):
        read_disks(document("").replace(b"<value>2</value>", deep))
    with pytest.raises(FormatError, match="the virtual_size of Ref:4 is 'a list'"):
        read_disks(disks.replace(b"<value>77</value>", deep))


def test_what_a_message_says_of_a_bad_value_is_short() -> None:
    long = b"2" * 1_000_000
    documents = [
        document("").replace(b"<value>2</value>", b"<value>" + long + b"</value>"),
        ova([("Ref:4", 77)]).replace(b"<value>77</value>", b"<value>" + long + b"</value>"),
        ova([("Ref:4", 77)]).replace(b"Ref:4", long),
    ]
    for xml in documents:
        with pytest.raises(FormatError) as caught:
            read_disks(xml)
        assert len(str(caught.value)) < 200


def test_entities_are_refused_before_anything_expands() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><value>&b;</value>'

    with pytest.raises(FormatError, match="declares a document type or entities"):
        read_disks(bomb)


def test_a_document_type_cannot_hide_in_another_encoding() -> None:
    with pytest.raises(FormatError, match="not an XML-RPC value"):
        read_disks("<!DOCTYPE x [<!ENTITY a 'b'>]><value>&a;</value>".encode("utf-16"))
