"""The way in: sockets and HTTP requests become commands, and their outcomes become replies."""
