"""Which calls go wrong when faults are ordered of the lab's xapi, and how a body ends as ordered."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tools.lab.xapi.archive import ArchiveReader
from tools.lab.xapi.body import Body, Reset
from tools.lab.xapi.failures import Failure
from tools.lab.xapi.import_log import Import, ImportLog, read_imports
from tools.lab.xapi.options import Options, Storage
from tools.lab.xapi.orders import NO_FAULT, Fault, OrderBook, Orders


def test_orders_come_back_from_their_file(tmp_path: Path) -> None:
    orders = Orders(2, 1, (Fault(error=("SR_FULL", "1"), at=5), Fault(call="task.create", status=503)), 1, 10, True)
    orders.save(tmp_path)
    assert Orders.load(tmp_path) == orders


def test_a_fault_passes_some_calls_and_then_counts_the_others(tmp_path: Path) -> None:
    fault = Fault(status=503, skip=1, count=2)
    Orders(faults=(fault,)).save(tmp_path)
    book = OrderBook(tmp_path)
    assert [book.fault_of("import") for _ in range(5)] == [NO_FAULT, fault, fault, NO_FAULT, NO_FAULT]


def test_faults_are_of_one_call_and_the_first_that_is_left_counts(tmp_path: Path) -> None:
    first, second, third = Fault(status=503), Fault(status=500, count=None), Fault(call="VM.get_all", delay=1)
    Orders(faults=(first, second, third)).save(tmp_path)
    book = OrderBook(tmp_path)
    assert book.fault_of("VM.get_all") == third
    assert [book.fault_of("import") for _ in range(3)] == [first, second, second]


def test_a_new_order_counts_anew(tmp_path: Path) -> None:
    fault = Fault(status=503)
    book = OrderBook(tmp_path)
    for serial in (1, 2):
        Orders(serial, faults=(fault,)).save(tmp_path)
        assert [book.fault_of("import"), book.fault_of("import")] == [fault, NO_FAULT]


def test_a_fault_at_a_byte_says_what_happens_there() -> None:
    with pytest.raises(ValueError, match="needs an error or a reset"):
        Fault(at=5)


def test_a_body_fails_at_the_ordered_byte_and_not_before() -> None:
    body = Body(io.BytesIO(bytes(100)).read, Fault(error=("VDI_IO_ERROR", "x"), at=70))
    assert [len(body.some(50)), len(body.some(50))] == [50, 20]
    with pytest.raises(Failure) as failed:
        body.some(50)
    assert failed.value.description == ("VDI_IO_ERROR", "x")
    assert body.taken == 70


def test_a_body_is_reset_at_the_ordered_byte() -> None:
    body = Body(io.BytesIO(bytes(100)).read, Fault(reset=True, at=0))
    with pytest.raises(Reset):
        body.some(1)


@pytest.mark.parametrize("data", [b"", b"short", bytes(512) + b"x", b"x" * 1000])
def test_a_body_that_is_not_an_archive_ends_early(data: bytes) -> None:
    body = Body(io.BytesIO(data).read, NO_FAULT)
    with pytest.raises(Failure) as failed:
        list(body.steps(ArchiveReader(), None))
    assert failed.value.description == ("IMPORT_ERROR_PREMATURE_EOF",)


def test_the_last_line_of_an_import_counts_and_half_a_line_does_not(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = ImportLog(path)
    first, second = log.number(), log.number()
    log.write(Import(second, "under way", "db", "task", 200, 1.0))
    log.write(Import(first, "under way", "web", "task", 200, 1.0))
    ended = Import(first, "whole", "web", "task", 200, 1.0, ("x",), 5, 5, (Path("/disk"),), 2.0, 3.0)
    log.write(ended)
    with path.open("a") as file:
        file.write('{"number": 2')
    assert read_imports(path) == [ended, Import(second, "under way", "db", "task", 200, 1.0)]


def test_options_come_back_from_the_command_line() -> None:
    options = Options(Path("/x"), ("a", "b"), (443, 0), "/socket", (Storage("u", "n", 1, "iso"),), (1, 9), 0.5)
    assert Options.from_json(options.to_json()) == options
