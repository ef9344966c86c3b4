"""What all tests share: their fixtures, and how long Hypothesis looks (HYPOTHESIS_PROFILE=long for longer)."""

import os

from hypothesis import settings

pytest_plugins = ("tests.support.engine_fixtures", "tests.support.fixtures")

settings.register_profile("quick", derandomize=True, deadline=None, max_examples=60)
settings.register_profile("long", deadline=None, max_examples=5_000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
