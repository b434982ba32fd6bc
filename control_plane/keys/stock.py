"""RSA keys that are made ahead of the tenants that get them, by a thread of their own.

One costs 30 to 150 ms of a core, which is more than all else in provisioning. For processes that
live long: the first tenants of a short one wait for their keys as they would without.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from shared.domain.jwk import Algorithm, PrivateKey, generate_private_key

_SIZE = 4  # keys; a burst of more tenants than that waits for each as it is made


class KeyStock:
    def __init__(self, size: int = _SIZE) -> None:
        self._size = size
        self._ready: deque[PrivateKey] = deque()
        self._changed = threading.Condition()
        self._ended = False

    def take(self, algorithm: Algorithm) -> PrivateKey:
        """Give a key that nobody else gets; made now where none lies ready. For any thread."""
        if algorithm is Algorithm.RS256:
            with self._changed:
                if self._ready:
                    self._changed.notify()
                    return self._ready.popleft()
        return generate_private_key(algorithm)

    def __len__(self) -> int:
        return len(self._ready)

    @contextmanager
    def kept(self) -> Iterator["KeyStock"]:
        """Keep it full until the block is left, which waits for a key that is being made."""
        thread = threading.Thread(target=self._fill, name="key-stock", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify()
            thread.join()

    def _fill(self) -> None:
        while self._lacks_one():
            key = generate_private_key(Algorithm.RS256)
            with self._changed:
                self._ready.append(key)

    def _lacks_one(self) -> bool:
        """Wait until there is room for a key; False at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or len(self._ready) < self._size)
            return not self._ended
