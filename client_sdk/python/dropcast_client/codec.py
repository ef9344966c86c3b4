"""The two codecs of version 1: commands into payloads, payloads into messages."""

from typing import Any

import msgspec

from dropcast_client.codes import SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK
from dropcast_client.commands import Command
from dropcast_client.events import Unknown
from dropcast_client.messages import Message

Payload = bytes | bytearray | memoryview


class BadMessage(Exception):
    """A payload that is no message of this protocol at all."""


class Codec:
    """One of the two codecs. The three parts come from msgspec's json or msgpack module."""

    def __init__(self, subprotocol: str, text: bool, encoder: Any, decoder: Any, anything: Any) -> None:
        self.subprotocol = subprotocol
        self.text = text
        self._encode = encoder.encode
        self._decode = decoder.decode
        self._anything = anything.decode

    def encode(self, command: Command) -> bytes:
        payload: bytes = self._encode(command)
        return payload

    def decode(self, payload: Payload | msgspec.Raw) -> Message | Unknown:
        """Decode one message. A type or a form that is not known gives `Unknown`. Raises BadMessage."""
        try:
            message: Message = self._decode(payload)
        except msgspec.ValidationError:
            return self._unknown(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise BadMessage(str(error)) from error
        return message

    def _unknown(self, payload: Payload | msgspec.Raw) -> Unknown:
        try:
            raw = self._anything(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise BadMessage(str(error)) from error
        if not isinstance(raw, dict) or not isinstance(raw.get("type"), str):
            raise BadMessage("a message is an object with a text `type`")
        return Unknown(raw["type"], raw)


JSON = Codec(
    SUBPROTOCOL_JSON, True, msgspec.json.Encoder(), msgspec.json.Decoder(Message), msgspec.json.Decoder()
)
MSGPACK = Codec(
    SUBPROTOCOL_MSGPACK,
    False,
    msgspec.msgpack.Encoder(),
    msgspec.msgpack.Decoder(Message),
    msgspec.msgpack.Decoder(),
)
CODECS = {"json": JSON, "msgpack": MSGPACK}
