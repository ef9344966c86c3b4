"""What the benches know of the engine functions is what the server says."""

from dropcast_bench import engine_call
from tests.support.keys import keys


def test_the_keys_of_a_show_are_the_servers_own() -> None:
    assert engine_call.keys("friday") == list(keys.all_of_show("friday"))


def test_a_command_is_what_the_engine_reads_from_a_connection() -> None:
    packed = engine_call.trade("h1", "vera", "d1", "M")
    command = engine_call.command("friday", packed)
    count = 3 + len(engine_call.SHOW_KEYS) + 2
    assert command.startswith(b"*%d\r\n$5\r\nFCALL\r\n$14\r\ndropcast_trade\r\n$2\r\n13\r\n" % count)
    assert b"$%d\r\n%b\r\n" % (len(packed), packed) in command
