"""The way out: rooms of sockets, the ring of encoded events, the merge of log and ring. Knows bytes only."""
