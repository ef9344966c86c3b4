"""The list of actions that the session and its shows write to, and the numbers of their commands."""

from dropcast_client.actions import Action, Send
from dropcast_client.codec import Codec
from dropcast_client.commands import Command


class Outbox:
    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self._actions: list[Action] = []
        self._last_id = 0

    def next_id(self) -> int:
        """Return the next command's id: 1, 2, 3 ... for as long as the session lives."""
        self._last_id += 1
        return self._last_id

    def add(self, action: Action) -> None:
        self._actions.append(action)

    def send(self, command: Command) -> None:
        self._actions.append(Send(self.codec.encode(command)))

    def take(self) -> list[Action]:
        """Return the actions since the last call, in order."""
        actions, self._actions = self._actions, []
        return actions
