"""What both clients know of their connection: read from the session, one reference at a time, from any thread."""

import time

from dropcast_client.messages import Welcome
from dropcast_client.session import Session
from dropcast_client.states import Connection


class Facts:
    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def state(self) -> Connection:
        """Phase, code and reason of the connection as it now stands."""
        return self._session.connection

    @property
    def welcome(self) -> Welcome | None:
        """The server's last welcome: the viewer's id and role, and the server's limits."""
        return self._session.welcome

    @property
    def guest_token(self) -> str | None:
        """A guest's signed token, where guests may buy: keep it, and be the same guest with it another time."""
        return self._session.guest_token

    def server_time_ms(self) -> float:
        """Return the server's time in milliseconds since 1970. Raises LookupError before the first welcome."""
        return self._session.clock.server_time_ms(time.monotonic())

    @property
    def server_time_uncertainty_ms(self) -> float:
        """How far off `server_time_ms` may be at most."""
        return self._session.clock.uncertainty_ms
