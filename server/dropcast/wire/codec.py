"""The two codecs of version 1. A `Codec` turns frame payloads into commands and messages into payloads.

Both are made of the same structs, so a message is defined once. Decoding errors are turned into one fault
with a code of codes.ERRORS and, where the message could be read so far, the command's id.
"""

from typing import Any

import msgspec

from dropcast.wire.codes import SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK
from dropcast.wire.commands import Announce, Command
from dropcast.wire.fields import INTEGER_MAX, data_fault


class DecodeFault(Exception):
    """A payload that is no command. `re` is its id when that much could be read."""

    def __init__(self, code: str, message: str, re: int | None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.re = re


class _Outline(msgspec.Struct):
    """As much of a bad command as is needed to answer it."""

    id: Any = None
    type: Any = None


_TYPES = frozenset(str(c.__struct_config__.tag) for c in Command.__args__)


class Codec:
    """One of the two codecs. The four parts come from msgspec's json or msgpack module."""

    def __init__(
        self, index: int, subprotocol: str, text: bool, encoder: Any, decoder: Any, outline: Any
    ) -> None:
        self.index = index
        """Its place in CODECS, and in every tuple of payloads."""
        self.subprotocol = subprotocol
        self.text = text
        """Whether its frames are text frames."""
        self.encode: Any = encoder.encode
        """encode(message) -> bytes"""
        self._decode = decoder.decode
        self._outline = outline.decode

    def decode(self, payload: bytes) -> Command:
        """Decode one command. Raises DecodeFault, and nothing else, for whatever the payload may be."""
        try:
            command: Command = self._decode(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise self._fault(payload, error) from error
        if type(command) is Announce:
            fault = data_fault(command.data)
            if fault:
                raise DecodeFault("bad_request", fault, command.id)
        return command

    def _fault(self, payload: bytes, error: Exception) -> DecodeFault:
        try:
            outline: _Outline = self._outline(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return DecodeFault("bad_message", "not a message of this protocol", None)
        number = outline.id
        re = number if type(number) is int and 0 <= number <= INTEGER_MAX else None
        if not isinstance(outline.type, str):
            return DecodeFault("bad_message", "a command is an object with a text `type`", re)
        if outline.type not in _TYPES:
            return DecodeFault("unknown_type", "no command has this type", re)
        return DecodeFault("bad_request", str(error), re)


JSON = Codec(
    0,
    SUBPROTOCOL_JSON,
    True,
    msgspec.json.Encoder(),
    msgspec.json.Decoder(Command),
    msgspec.json.Decoder(_Outline),
)
MSGPACK = Codec(
    1,
    SUBPROTOCOL_MSGPACK,
    False,
    msgspec.msgpack.Encoder(),
    msgspec.msgpack.Decoder(Command),
    msgspec.msgpack.Decoder(_Outline),
)
CODECS = (JSON, MSGPACK)
