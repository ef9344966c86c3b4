"""Whatever happens to the connection, the consumer sees each numbered event once and in order, or a new state.

A model of the server (a log, epochs, a journal offset, holds by key) stands at the other end of two queues. The
network loses sockets, delivers twice, swallows messages; the server trims its log and changes its history.
"""

import json
from collections import deque

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dropcast_client.actions import Dial, Hand, HangUp, Resolve, Send
from dropcast_client.commands import Reserve
from dropcast_client.errors import Disconnected, OutcomeUnknown
from dropcast_client.events import Event, Recovered, Resynced
from dropcast_client.messages import Announcement, Held, Stock
from dropcast_client.states import Phase
from tests.sdk.driver import a_state, an_event, new_session, stock, welcome
from tests.sdk.worker import SHOW, Message, hold_view

MAY_GET_LOST = ("announcement", "stock")


class Consumer:
    """Takes the events of the show and checks each against the one before."""

    def __init__(self) -> None:
        self.epoch = ""
        self.seq = -1
        self.offset = -1
        self.seen: list[str] = []

    def take(self, event: Event) -> None:
        match event:
            case Resynced():
                self.epoch, self.seq, self.offset = event.epoch, event.seq, event.state.offset
            case Recovered():
                assert (event.epoch, event.seq) == (self.epoch, self.seq)
            case Announcement():
                assert event.seq == self.seq + 1
                assert event.text == f"{self.epoch}/{event.seq}"
                self.seq = event.seq
                self.seen.append(event.text)
            case Stock():
                assert event.offset >= self.offset
                self.offset = event.offset
            case _:
                raise AssertionError(f"nobody said {event}")


class History(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.session = new_session(silence_s=1e9)
        self.now_s = 0.0
        self.consumer = Consumer()
        self.dialled = False
        self.linked = False
        self.to_client: deque[Message] = deque()
        self.to_server: deque[Message] = deque()
        self.room: list[Message] = []
        """What is said to the room and not written yet: replies overtake it."""
        self.watched = False
        self.epoch = 1
        self.seq = 0
        self.trimmed_to = 0
        self.offset = 0
        self.units = 100
        self.held: dict[str, int] = {}
        self.calls: dict[int, str] = {}
        self.answers: dict[int, object] = {}

    @initialize()
    def begin(self) -> None:
        self.session.connect(self.now_s)
        self.session.watch(SHOW, self.now_s)
        self.carry_out()
        self.flow(6)

    def carry_out(self) -> None:
        for action in self.session.take():
            match action:
                case Dial():
                    self.dialled = True
                case HangUp():
                    self.unlink()
                case Send(payload):
                    self.to_server.append(msgspec.json.decode(payload))
                case Hand(_, event):
                    self.consumer.take(event)
                case Resolve(call, answer):
                    assert call not in self.answers
                    self.answers[call] = answer
                case _:
                    pass

    def unlink(self) -> None:
        self.linked = self.dialled = self.watched = False
        self.to_client.clear()
        self.to_server.clear()
        self.room.clear()

    def tell(self, message: Message) -> None:
        if self.linked and self.watched:
            self.room.append(message)

    @rule()
    def write_room(self) -> None:
        self.to_client += self.room
        self.room.clear()

    def event(self, seq: int) -> Message:
        return an_event(seq, text=f"e{self.epoch}/{seq}", offset=self.offset)

    def state(self) -> Message:
        return a_state(stock=self.units, offset=self.offset)

    # The server ------------------------------------------------------------------------------------------

    @rule(count=st.integers(1, 3))
    def publish(self, count: int) -> None:
        for _ in range(count):
            self.seq += 1
            self.tell(self.event(self.seq))

    @rule(count=st.integers(1, 3))
    def move_stock(self, count: int) -> None:
        for _ in range(count):
            self.offset += 1
            self.units -= 1
            self.tell(stock(self.units, self.offset))

    @rule(keep=st.integers(0, 2))
    def trim(self, keep: int) -> None:
        self.trimmed_to = max(self.trimmed_to, self.seq - keep)

    @rule(lost=st.integers(0, 3))
    def change_history(self, lost: int) -> None:
        """A failover: the last events and movements never were."""
        self.epoch += 1
        self.seq = max(0, self.seq - lost)
        self.offset = max(0, self.offset - lost)
        self.trimmed_to = self.seq
        resync = {"type": "resync", "show": SHOW, "epoch": f"e{self.epoch}", "seq": self.seq}
        self.write_room()
        self.tell(resync | {"state": self.state()})
        self.write_room()

    def answer(self) -> None:
        command = self.to_server.popleft()
        match command["type"]:
            case "hello":
                self.to_client.append(welcome(command["id"]))
            case "watch":
                self.watched = True
                self.to_client.append(self.watching(command))
            case "reserve":
                if command["key"] not in self.held:
                    self.offset += 1
                    self.held[command["key"]] = self.offset
                hold = hold_view("h-" + command["key"])
                held = {"type": "held", "show": SHOW, "offset": self.offset, **hold}
                self.to_client.append(held | {"re": command["id"]})

    def watching(self, command: Message) -> Message:
        answer = {"type": "watching", "re": command["id"], "show": SHOW}
        answer |= {"epoch": f"e{self.epoch}", "seq": self.seq, "holds_at": self.offset}
        since = command.get("since")
        if since and since["epoch"] == f"e{self.epoch}" and self.trimmed_to <= since["seq"] <= self.seq:
            events = [self.event(seq) for seq in range(since["seq"] + 1, self.seq + 1)]
            units = {"drop-1": {"cap-red": self.units}}
            return answer | {"recovered": True, "events": events, "stock": units, "holds": []}
        return answer | {"recovered": False, "state": self.state(), "holds": []}

    # The network -----------------------------------------------------------------------------------------

    def open(self) -> None:
        self.dialled, self.linked = False, True
        self.session.opened(None, self.now_s)
        self.carry_out()

    @precondition(lambda self: self.dialled or self.linked)
    @rule()
    def cut(self) -> None:
        self.unlink()
        self.session.lost(1006, "", self.now_s)
        self.carry_out()

    @rule(steps=st.integers(1, 12))
    def flow(self, steps: int) -> None:
        """The network is well for a while."""
        for _ in range(steps):
            self.step()

    def step(self) -> None:
        if self.dialled:
            self.open()
        elif self.to_server:
            self.answer()
        elif self.to_client:
            self.receive(self.to_client.popleft())
        elif self.room:
            self.write_room()
        elif self.session.connection.phase is not Phase.CONNECTED:
            self.wait(20.0)

    @precondition(lambda self: any(message["type"] in MAY_GET_LOST for message in self.to_client))
    @rule(data=st.data())
    def mistreat(self, data: st.DataObject) -> None:
        """A message is swallowed, or comes twice."""
        places = [n for n, message in enumerate(self.to_client) if message["type"] in MAY_GET_LOST]
        place = data.draw(st.sampled_from(places))
        if data.draw(st.booleans()):
            del self.to_client[place]
        else:
            self.to_client.insert(place, self.to_client[place])

    def receive(self, message: Message) -> None:
        self.session.received(json.dumps(message).encode(), self.now_s)
        self.carry_out()

    @rule(seconds=st.floats(0.01, 20.0))
    def wait(self, seconds: float) -> None:
        self.now_s += seconds
        self.session.tick(self.now_s)
        self.carry_out()

    # The application -------------------------------------------------------------------------------------

    @rule(key=st.sampled_from("abc"))
    def reserve(self, key: str) -> None:
        number = self.session.next_id()
        self.calls[number] = key
        command = Reserve(id=number, show=SHOW, drop="drop-1", sku="cap-red", qty=1, key=f"{key}{number}")
        self.calls[number] = command.key
        self.session.call(command, self.now_s, 10.0)
        self.carry_out()

    @invariant()
    def it_never_gives_up(self) -> None:
        assert self.session.connection.phase is not Phase.DISCONNECTED

    @invariant()
    def answers_are_true(self) -> None:
        for call, answer in self.answers.items():
            match answer:
                case Held():
                    assert self.calls[call] in self.held
                case Disconnected():
                    assert self.calls[call] not in self.held
                case _:
                    assert isinstance(answer, OutcomeUnknown)

    @rule()
    def settle(self) -> None:
        """Once the network is well for long enough, the consumer is where the server is."""
        self.publish(1)
        self.move_stock(1)
        self.flow(200)
        follow = self.session.follow(SHOW)
        assert follow is not None
        assert follow.state is not None
        here = (f"e{self.epoch}", self.seq)
        assert (self.consumer.epoch, self.consumer.seq) == here
        assert (follow.state.epoch, follow.state.seq) == here
        assert follow.state.drops["drop-1"].stock == {"cap-red": self.units}
        assert self.calls.keys() == self.answers.keys()

    def teardown(self) -> None:
        self.settle()


TestHistory = History.TestCase
TestHistory.settings = settings(max_examples=3 * settings().max_examples, stateful_step_count=60)
