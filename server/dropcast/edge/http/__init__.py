"""HTTP at /v1: what is not on the socket's hot path. A small file for each thing."""
