"""What users see becomes requests of Locust's: timings without, faults with an exception."""

import time

from dropcast_loadtest.evening.entries import CAME_BACK, FAN_OUT, Entry
from dropcast_loadtest.evening.ledger import Ledger
from dropcast_loadtest.evening.notes import Fault, Notes, Sight
from tests.loadtest.evening.stage import Requests


def test_a_delivery_is_timed_in_milliseconds_and_messages_go_to_the_ledger() -> None:
    requests, ledger = Requests(), Ledger()
    sight = Sight(Notes(requests, ledger))
    sight.fanout_us.record(12_500)
    sight.count("delivered")
    sight.count("numbered")
    assert requests.fired == [(FAN_OUT, 12.5, None)]
    assert ledger.counts == {"delivered": 1}


def test_each_gap_is_a_failure_of_its_own() -> None:
    requests = Requests()
    Sight(Notes(requests, Ledger())).count("gaps", 3)
    assert [entry for entry, _, _ in requests.fired] == [Entry("fault", "gap")] * 3
    assert all(isinstance(fault, Fault) for _, _, fault in requests.fired)


def test_coming_back_counts_from_the_broken_line_and_once() -> None:
    requests = Requests()
    sight = Sight(Notes(requests, Ledger()))
    sight.count("recovered")  # by a server that sent everybody away: nobody broke this line
    sight.line_breaks()
    sight.count("recovered")
    sight.count("recovered")
    assert [entry for entry, _, _ in requests.fired] == [CAME_BACK]


def test_a_duration_is_measured_from_its_beginning() -> None:
    requests = Requests()
    Notes(requests, Ledger()).timed(FAN_OUT, time.monotonic() - 1.0)
    duration_ms = requests.fired[0][1]
    assert duration_ms is not None
    assert 1_000 <= duration_ms < 2_000


def test_a_ledger_gives_what_is_new_and_takes_what_others_gave() -> None:
    worker, master = Ledger(), Ledger()
    for _ in range(2):
        worker.count("units", 3)
        master.add(worker.take())
    assert worker.take() == {}
    assert master.counts == {"units": 6}
