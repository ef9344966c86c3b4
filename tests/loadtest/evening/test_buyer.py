"""A buyer on a real server: every answer has its entry, and what was promised is in the ledger."""

import asyncio
from collections import Counter

import pytest

from dropcast_client import Held, Refused, Sold, SyncClient
from dropcast_loadtest.evening.buyer import Buyer
from dropcast_loadtest.evening.entries import Entry
from dropcast_loadtest.evening.ledger import Ledger
from dropcast_loadtest.evening.notes import Notes
from tests.loadtest.evening.stage import Requests
from tests.support.house import House


@pytest.fixture
def show(house: House) -> str:
    return asyncio.run(house.live_show())


@pytest.fixture
def drop(house: House, show: str) -> str:
    return asyncio.run(house.drop(show, {"SCARF-RED": 3, "SCARF-BLUE": 0}, limit=2))


def test_a_nervous_finger_holds_once_and_pays_once(house: House, show: str, drop: str) -> None:
    requests, ledger = Requests(), Ledger()
    with SyncClient(house.url, token=house.token("nora")) as client:
        buyer = Buyer(client, show=show, notes=Notes(requests, ledger))
        held = buyer.hold(drop, "SCARF-RED", 2, twice=True)
        assert isinstance(held, Held)
        assert isinstance(buyer.pay(held, "tok_decline"), Refused)
        assert isinstance(buyer.pay(held, "tok_approve"), Sold)
        assert isinstance(buyer.pay(held, "tok_approve"), Sold), "the same order again"
        assert isinstance(buyer.hold(drop, "SCARF-BLUE", 1, twice=False), Refused)
        buyer.leaves()
    assert Counter(entry for entry, _, fault in requests.fired if fault is None) == {
        Entry("viewer", "reserve held"): 2,
        Entry("viewer", "pay refused: declined"): 1,
        Entry("viewer", "pay sold"): 2,
        Entry("viewer", "reserve refused: limit"): 1,
    }
    assert all(fault is None for _, _, fault in requests.fired)
    assert ledger.counts == {"orders": 1, "units": 2, "minor": 5_800}


def test_an_error_is_a_fault_and_a_payment_without_an_answer_is_unknown(
    house: House, show: str, drop: str
) -> None:
    requests, ledger = Requests(), Ledger()
    with SyncClient(house.url, token=house.token("olaf")) as client:
        buyer = Buyer(client, show=show, notes=Notes(requests, ledger))
        held = buyer.hold(drop, "SCARF-RED", 1, twice=False)
        assert isinstance(held, Held)
        assert buyer.hold("no-such-drop", "SCARF-RED", 1, twice=False) is None
        client.close()
        assert buyer.pay(held, "tok_approve") is None
    faults = [entry for entry, _, fault in requests.fired if fault is not None]
    assert faults == [Entry("fault", "error: not found"), Entry("fault", "lost")]
    assert ledger.counts == {"unknown_payments": 1}
