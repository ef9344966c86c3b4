"""The sheet of memory between a worker and its supervisor: whole or not at all, whatever the writer dies of."""

import os
from collections.abc import Iterator

import pytest

from dropcast.metrics.sharing import Sheet
from dropcast.metrics.values import Value


@pytest.fixture
def sheet() -> Iterator[Sheet]:
    made = Sheet.make()
    yield made
    made.close()


VALUES: dict[str, Value] = {
    "deliveries": 3,
    "offset_s": -0.25,
    "fanout_s": [1, 2, 0.5],
    "refusals": {"sold_out": 2},
    "calls": {"read": [1, 0, 0.1]},
}


def test_what_is_written_is_read(sheet: Sheet) -> None:
    assert sheet.write(VALUES)
    assert sheet.read() == VALUES


def test_before_the_first_writing_and_after_clearing_there_is_nothing(sheet: Sheet) -> None:
    assert sheet.read() == {}
    sheet.write(VALUES)
    sheet.clear()
    assert sheet.read() == {}
    sheet.write(VALUES)
    assert sheet.read() == VALUES


def test_another_mapping_of_the_same_memory_reads_it_as_a_worker_process_does(sheet: Sheet) -> None:
    worker = Sheet(os.dup(sheet.descriptor))
    for number in range(5):
        worker.write({"number": number})
        assert sheet.read() == {"number": number}
    worker.close()
    assert sheet.read() == {"number": 4}


def test_a_writer_that_dies_halfway_leaves_what_was_there_before(sheet: Sheet) -> None:
    sheet.write({"number": 1})
    sheet.write({"number": 2})
    # What a third writing does before it turns the page.
    start = sheet._start(3)
    sheet._memory[start : start + 64] = b"\xff" * 64
    assert sheet.read() == {"number": 2}


def test_a_half_that_was_written_over_while_it_was_read_is_no_answer(sheet: Sheet) -> None:
    sheet.write({"number": 1})
    start = sheet._start(1)
    sheet._memory[start + 8 : start + 12] = b"\xff" * 4
    assert sheet.read() == {}


def test_what_does_not_fit_is_refused_and_what_was_there_stays(sheet: Sheet) -> None:
    sheet.write({"number": 1})
    assert not sheet.write({"refusals": {f"reason {number}": number for number in range(20_000)}})
    assert sheet.read() == {"number": 1}
