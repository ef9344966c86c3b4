"""What one viewer saw of a show's numbered events, and whether that is the show's history. Pure.

A gap or a duplicate is never right. A whole new state is, when it says so: the viewer is told to forget what was.
"""

import msgspec

from dropcast_client import Announcement, Event, Recovered, Resynced


class Seen(msgspec.Struct, kw_only=True):
    """One viewer's account, which may be sent from process to process."""

    viewer: str
    epoch: str = ""
    first: int = 0
    """Where the viewer came in."""
    last: int = 0
    events: int = 0
    gaps: int = 0
    """Numbers that were skipped."""
    duplicates: int = 0
    backwards: int = 0
    """Whole states that led back within an epoch."""
    whole_states: int = 0
    """Not counting the first one."""
    recoveries: int = 0
    words: dict[int, str] = {}
    """What was announced, by number, of the epoch of now; kept when `keep_words`."""
    keep_words: bool = False

    def on_event(self, event: Event) -> None:
        """Take in what the SDK hands on."""
        match event:
            case Resynced():
                self._whole(event)
            case Recovered():
                self.recoveries += 1
                self.gaps += abs(event.seq - self.last)
            case _:
                # A type that is not known here is numbered as well when it carries both.
                seq = getattr(event, "seq", 0)
                if seq and (hasattr(event, "at_ms") or hasattr(event, "raw")):
                    self._numbered(seq, event)

    def problems(self, top: int) -> list[str]:
        """Return what is wrong when the show's last number is `top`."""
        found = []
        for name in ("gaps", "duplicates", "backwards"):
            if getattr(self, name):
                found.append(f"{self.viewer} saw {getattr(self, name)} {name}")
        if self.last != top:
            found.append(f"{self.viewer} ended at event {self.last} of {top}")
        return found

    def _whole(self, state: Resynced) -> None:
        if state.first:
            self.first = state.seq
        else:
            self.whole_states += 1
            if state.epoch == self.epoch and state.seq < self.last:
                self.backwards += 1
        if state.epoch != self.epoch:
            self.words = {}
        self.epoch = state.epoch
        self.last = state.seq

    def _numbered(self, seq: int, event: Event) -> None:
        self.events += 1
        if seq > self.last + 1:
            self.gaps += seq - self.last - 1
        elif seq <= self.last:
            self.duplicates += 1
        self.last = max(self.last, seq)
        if self.keep_words and isinstance(event, Announcement):
            self.words[seq] = event.text
