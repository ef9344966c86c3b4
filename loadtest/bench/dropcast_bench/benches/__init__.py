"""One file a bench: what is done to each contender in a round, and what must hold of the figures."""
