"""The session: everything that the client knows and decides, without a socket, a task or a clock.

A shell (shell.py, sync/shell.py) feeds it what happens, with the time in seconds of one monotonic clock, and
after every input carries out the actions that `take()` gives, in order. `wake_at_s` is when it wants the next
`tick`. The states are those of states.py; shows.py has the part that is about shows.
"""

from collections.abc import Callable
from typing import Any

from dropcast_client.actions import Action, Change, Dial, HangUp, Resolve, Send
from dropcast_client.backoff import Backoff
from dropcast_client.calls import Call, Calls
from dropcast_client.clock import NEVER, Clock
from dropcast_client.codec import BadMessage, Codec, Payload
from dropcast_client.codes import Local, may_come_back
from dropcast_client.commands import Command, Hello, Ping
from dropcast_client.errors import CallError, Disconnected, DropcastError, fault_of
from dropcast_client.events import Unknown
from dropcast_client.follow import Follow
from dropcast_client.holds import Holds, learn_from_reply
from dropcast_client.messages import Banned, Error, GoingAway, Pong, Reply, Tick, Welcome
from dropcast_client.outbox import Outbox
from dropcast_client.redial import Redial
from dropcast_client.shows import Shows
from dropcast_client.states import Connection, Phase, Trigger

SILENCE_TICKS = 2.4
SILENCE_S = 60.0


class Session:
    """`silence_s` None: 2.4 ticks as the welcome gives them. `renews`: each dial brings a fresh token."""

    def __init__(
        self, codec: Codec, *, backoff: Backoff, silence_s: float | None = None, renews: bool = False
    ) -> None:
        self.connection = Connection(Phase.DISCONNECTED, Local.CLOSED, "not connected yet")
        self.clock = Clock()
        self.welcome: Welcome | None = None
        """The last welcome: who the viewer is, and the server's limits."""
        self.guest_token: str | None = None
        """A guest's signed token, from the last welcome that gave one."""
        self._outbox = Outbox(codec)
        self._shows = Shows(self._outbox, backoff)
        self._calls = Calls()
        self._redial = Redial(backoff)
        self._silence_given_s = silence_s
        self._silence_s = SILENCE_S if silence_s is None else silence_s
        self._renews = renews
        self._hello_id: int | None = None
        self._hello_at_s = 0.0
        self._heard_at_s = 0.0
        self._ping_at_s = NEVER
        self._handlers: dict[type, Callable[[Any, float], None]] = {
            **self._shows.handlers,
            **dict.fromkeys(Reply.__args__, self._on_reply),
            Tick: self._on_tick,
            Banned: self._on_banned,
            GoingAway: self._on_going_away,
            Unknown: self._on_unknown,
        }

    # What the shell reads --------------------------------------------------------------------------------

    def take(self) -> list[Action]:
        """Return the actions since the last call, to be carried out in order."""
        return self._outbox.take()

    @property
    def wake_at_s(self) -> float:
        """When `tick` is due; infinite when nothing is waited for."""
        wake_s = min(self._redial.wake_at_s, self._calls.next_deadline_s())
        if self.connection.phase is Phase.CONNECTED:
            silent_s = self._heard_at_s + self._silence_s
            wake_s = min(wake_s, silent_s, self._ping_at_s, self._shows.wake_at_s)
        return wake_s

    def follow(self, show: str) -> Follow | None:
        return self._shows.get(show)

    def holds(self, show: str) -> Holds:
        return self._shows.holds(show)

    def next_id(self) -> int:
        """Return the id of the next command."""
        return self._outbox.next_id()

    # What the application asks ---------------------------------------------------------------------------

    def connect(self, now_s: float) -> None:
        """Begin to connect. Raises ValueError unless disconnected."""
        self._change(Trigger.CONNECT, Local.ASKED, "connect was called")
        self._redial.asked()
        self._dial(now_s)

    def close(self) -> None:
        """Close for good. Calls under way are resolved, and every show ends."""
        if self.connection.phase is not Phase.DISCONNECTED:
            self._outbox.add(HangUp("closed", polite=True))
        self._redial.forget()
        self._forget_socket()
        self._change(Trigger.CLOSE, Local.CLOSED, "closed")
        self._end_all(None)

    def watch(self, show: str, now_s: float) -> Follow:
        """Follow a show from now on. Raises Disconnected when no connection is to come."""
        self._check_not_disconnected()
        return self._shows.watch(show, now_s)

    def leave(self, show: str, now_s: float) -> None:
        """Follow a show no longer. Nothing more is handed on."""
        self._shows.leave(show)
        self._send_calls(now_s)

    def call(self, command: Command, now_s: float, timeout_s: float) -> None:
        """Say a command and wait for its answer, over lost connections, until the timeout.

        A `Resolve` with its id follows in any case. Raises Disconnected when no connection is to come.
        """
        self._check_not_disconnected()
        show = getattr(command, "show", "")
        self._calls.add(Call(command, self._outbox.codec.encode(command), now_s + timeout_s, show))
        self._send_calls(now_s)

    def forget(self, call: int) -> None:
        """Nobody waits for this call any more."""
        self._calls.pop(call)

    # What happens on the socket --------------------------------------------------------------------------

    def opened(self, token: str | None, now_s: float) -> None:
        """The socket is open: say hello. `token` None: as the guest of before, or anonymous."""
        self._hello_id = self.next_id()
        self._hello_at_s = now_s
        self._outbox.send(Hello(id=self._hello_id, token=token or self.guest_token))

    def received(self, payload: Payload, now_s: float) -> None:
        """A message came."""
        self._heard_at_s = now_s
        self._ping_at_s = now_s + self._silence_s / 2
        try:
            message = self._outbox.codec.decode(payload)
            self._handlers[type(message)](message, now_s)
        except BadMessage as error:
            self._hang_up(Local.BAD_MESSAGE, str(error), now_s)

    def lost(self, code: int, reason: str, now_s: float) -> None:
        """The socket ended, or did not come about. `code`: a close code, an HTTP status or a `Local`."""
        self._lose(code, reason, may_come_back(code), now_s)

    def tick(self, now_s: float) -> None:
        """Time has passed."""
        for call in self._calls.take_due(now_s):
            reason = f"not sent in time; {self.connection.reason}"
            self._resolve(call, call.failure(self.connection.code, reason))
        if now_s >= self._redial.dial_at_s:
            self._dial(now_s)
        if now_s >= self._redial.open_by_s:
            self._hang_up(Local.NO_WELCOME, "no welcome in time", now_s)
        if self.connection.phase is not Phase.CONNECTED:
            return
        if now_s >= self._heard_at_s + self._silence_s:
            self._hang_up(Local.SILENT, f"nothing was heard for {self._silence_s:g} s", now_s)
        elif not self._shows.tick(now_s):
            self._hang_up(Local.SILENT, "a watch was not answered", now_s)
        elif now_s >= self._ping_at_s:
            self._ping_at_s = NEVER
            self.call(Ping(id=self.next_id()), now_s, self._silence_s)

    # Messages --------------------------------------------------------------------------------------------

    def _on_reply(self, reply: Reply | Unknown, now_s: float) -> None:
        number = reply.re
        if number is None:
            return
        if number == self._hello_id:
            self._on_hello_answer(reply, now_s)
        elif self._shows.answer(reply, now_s):
            self._send_calls(now_s)
        elif (call := self._calls.pop(number)) is not None:
            if isinstance(reply, Pong):
                self.clock.add(call.sent_at_s, now_s, reply.server_time_ms)
            if call.show:
                learn_from_reply(self.holds(call.show), call.command, reply)
            self._resolve(call, fault_of(reply) if isinstance(reply, Error) else reply)

    def _on_hello_answer(self, reply: Reply | Unknown, now_s: float) -> None:
        self._hello_id = None
        if isinstance(reply, Welcome):
            self._on_welcome(reply, now_s)
            return
        fault = fault_of(reply)
        again = fault.temporary or (fault.code == "token_expired" and self._renews)
        self._outbox.add(HangUp("hello was refused", polite=False))
        self._lose(Local.HELLO_REFUSED, str(fault), again, now_s)

    def _on_welcome(self, welcome: Welcome, now_s: float) -> None:
        self.welcome = welcome
        self.guest_token = welcome.token or self.guest_token
        self.clock.add(self._hello_at_s, now_s, welcome.server_time_ms)
        if self._silence_given_s is None:
            self._silence_s = SILENCE_TICKS * welcome.limits.tick_ms / 1000
        self._ping_at_s = now_s + self._silence_s / 2
        self._redial.welcomed(now_s)
        self._change(Trigger.WELCOME, Local.WELCOME, "welcome")
        self._shows.welcomed(now_s)
        self._send_calls(now_s)

    def _on_tick(self, tick: Tick, now_s: float) -> None:
        """That it was heard is all that it says."""

    def _on_banned(self, banned: Banned, now_s: float) -> None:
        self._shows.banned(banned)
        self._send_calls(now_s)

    def _on_going_away(self, message: GoingAway, now_s: float) -> None:
        self._redial.going_away(message.after_ms, now_s)

    def _on_unknown(self, message: Unknown, now_s: float) -> None:
        if message.re is not None:
            self._on_reply(message, now_s)
        else:
            self._shows.unknown(message, now_s)

    # Steps -----------------------------------------------------------------------------------------------

    def _dial(self, now_s: float) -> None:
        self._outbox.add(Dial(self._redial.dialled(now_s)))

    def _send_calls(self, now_s: float) -> None:
        """Send the calls that are not on this socket yet; one about a show waits until that is watched."""
        if self.connection.phase is not Phase.CONNECTED:
            return
        for call in self._calls.unsent():
            if self._is_too_large(call):
                self._calls.pop(call.command.id)
                self._resolve(
                    call, CallError("too_large", "more than the server takes in one message", False)
                )
            elif not self._shows.is_joining(call.show):
                call.ever_sent = call.on_wire = True
                call.sent_at_s = now_s
                self._outbox.add(Send(call.payload))

    def _is_too_large(self, call: Call) -> bool:
        """Whether the server would close the socket over it, and for good (1009)."""
        return self.welcome is not None and len(call.payload) > self.welcome.limits.message_bytes_max

    def _resolve(self, call: Call, answer: Reply | Unknown | DropcastError) -> None:
        self._outbox.add(Resolve(call.command.id, answer))

    def _change(self, trigger: Trigger, code: int, reason: str) -> None:
        self.connection = self.connection.after(trigger, code, reason)
        self._outbox.add(Change(self.connection))

    def _check_not_disconnected(self) -> None:
        if self.connection.phase is Phase.DISCONNECTED:
            raise Disconnected(self.connection.code, self.connection.reason)

    # Endings ---------------------------------------------------------------------------------------------

    def _hang_up(self, code: int, reason: str, now_s: float) -> None:
        self._outbox.add(HangUp(reason, polite=False))
        self._lose(code, reason, True, now_s)

    def _lose(self, code: int, reason: str, again: bool, now_s: float) -> None:
        if again:
            self._redial.lost(code, now_s)
            self._forget_socket()
            self._change(Trigger.LOST, code, reason)
        else:
            self._redial.forget()
            self._forget_socket()
            self._change(Trigger.REFUSED, code, reason)
            self._end_all(Disconnected(code, reason))

    def _forget_socket(self) -> None:
        self._hello_id = None
        self._ping_at_s = NEVER
        self._calls.socket_lost()
        self._shows.socket_lost()

    def _end_all(self, error: Disconnected | None) -> None:
        for call in self._calls.take_all():
            self._resolve(call, call.failure(self.connection.code, self.connection.reason))
        self._shows.end(error)
