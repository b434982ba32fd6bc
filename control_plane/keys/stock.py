"""RSA keys that are made ahead of the tenants that get them, by a thread of their own.

One costs 30 to 150 ms of a core, which is more than all else in provisioning. For processes that
live long: the first tenants of a short one wait for their keys as they would without.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, Full, Queue

from shared.domain.jwk import Algorithm, PrivateKey, generate_private_key

_SIZE = 4  # keys; a burst of more tenants than that waits for each as it is made
_GLANCE = 0.2  # seconds between two looks at whether the end has come


class KeyStock:
    def __init__(self, size: int = _SIZE) -> None:
        self._ready: Queue[PrivateKey] = Queue(size)
        self._ended = threading.Event()

    def take(self, algorithm: Algorithm) -> PrivateKey:
        """Give a key that nobody else gets; made now where none lies ready. For any thread."""
        if algorithm is Algorithm.RS256:
            with suppress(Empty):
                return self._ready.get_nowait()
        return generate_private_key(algorithm)

    def __len__(self) -> int:
        return self._ready.qsize()

    @contextmanager
    def kept(self) -> Iterator["KeyStock"]:
        """Keep it full until the block is left."""
        thread = threading.Thread(target=self._fill, name="key-stock", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            thread.join()

    def _fill(self) -> None:
        while not self._ended.is_set():
            key = generate_private_key(Algorithm.RS256)
            while not self._ended.is_set():
                with suppress(Full):
                    self._ready.put(key, timeout=_GLANCE)
                    break
