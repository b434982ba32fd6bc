"""A worker's end, as its process tells its application: signals set it, requests read it.

The main process says when, by these signals; SIGTERM then ends the worker once what it has begun is
finished. In this module the two planes meet: the worker is one's process and the other's
application.
"""

import signal

STOPPING = signal.SIGUSR1  # the whole server ends: no balancer should send anything more
REPLACED = signal.SIGUSR2  # another worker has taken this one's place


class Leaving:
    def __init__(self) -> None:
        self.begun = False  # each answer asks its client to connect anew
        self.stopping = False  # the server is not ready any more
