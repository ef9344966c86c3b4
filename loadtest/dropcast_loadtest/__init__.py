"""The crowd for dropcast: viewers in numbers, over real sockets, through the Python SDK."""
