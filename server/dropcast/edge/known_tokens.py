"""Tokens that were verified before, so that a viewer who comes back, or asks again by HTTP, costs no signature. Pure.

Bounded: the one that was used longest ago is forgotten first. It keeps digests and no tokens. Whoever asks must know
that the keys are still those by which a token was verified; see `generation`.
"""

import hashlib

from dropcast.domain.viewer import Viewer


class KnownTokens:
    def __init__(self, tokens_max: int) -> None:
        self._tokens_max = tokens_max
        self._viewers: dict[bytes, Viewer] = {}
        self._generation = 0

    def __len__(self) -> int:
        return len(self._viewers)

    def find(self, token: str, generation: int, expired_s: float) -> Viewer | None:
        """Return whom a token names, if that is known.

        `generation` counts the changes of the keys: with another one nothing is known. What has expired by
        `expired_s`, seconds since 1970, is not known either.
        """
        if generation != self._generation:
            self._viewers.clear()
            self._generation = generation
            return None
        digest = _digest(token)
        viewer = self._viewers.pop(digest, None)
        if viewer is None or viewer.expires_at_s is None or viewer.expires_at_s <= expired_s:
            return None
        # Put back as the one that was used last.
        self._viewers[digest] = viewer
        return viewer

    def keep(self, token: str, viewer: Viewer) -> None:
        """Remember a token that was just verified, by the keys of the generation that was last asked for."""
        if len(self._viewers) >= self._tokens_max:
            del self._viewers[next(iter(self._viewers))]
        self._viewers[_digest(token)] = viewer


def _digest(token: str) -> bytes:
    # A token of a stranger may hold lone surrogates.
    return hashlib.blake2b(token.encode("utf-8", "surrogatepass"), digest_size=32).digest()
