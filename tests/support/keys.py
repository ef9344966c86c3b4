"""The names of an installation with the default prefix, for tests that look into the engine."""

from dropcast.settings import Settings
from dropcast.store.keys import Keys

keys = Keys(Settings().prefix)
