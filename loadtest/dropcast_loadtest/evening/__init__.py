"""A rehearsal of an evening with Locust: users, load shapes and the run of show, all from one plan.

Locust patches sockets as soon as it is loaded, so nothing outside of this package imports it.
"""
