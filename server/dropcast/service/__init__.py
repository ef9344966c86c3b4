"""Use cases: what a viewer, a creator or the clock may set in motion. Knows ports, never the engine itself."""
