"""The SDK's tables of codes are the server's."""

from dropcast.wire import codes as server
from dropcast_client import codes as sdk


def test_error_codes_have_the_same_meaning_and_are_as_temporary() -> None:
    theirs = {code: (error.meaning, error.temporary) for code, error in server.ERRORS.items()}
    ours = {code: (error.meaning, error.temporary) for code, error in sdk.ERRORS.items()}
    assert ours == theirs


def test_close_codes_are_the_same() -> None:
    assert {close.name: close.value for close in sdk.Close} == {
        close.name: close.value for close in server.Close
    }


def test_both_come_back_after_the_same_close_codes() -> None:
    for code in range(1000, 5000):
        assert sdk.may_come_back(code) == server.may_come_back(code), code


def test_the_subprotocols_are_the_same() -> None:
    assert (sdk.SUBPROTOCOL_JSON, sdk.SUBPROTOCOL_MSGPACK) == (
        server.SUBPROTOCOL_JSON,
        server.SUBPROTOCOL_MSGPACK,
    )


def test_errors_that_leave_the_outcome_open_are_codes_of_the_server_and_temporary() -> None:
    assert all(server.ERRORS[code].temporary for code in sdk.ERRORS_OPEN)
