"""The evening that `dropcast loadtest` rehearses: a server of its own or a running one, Locust beside it."""
