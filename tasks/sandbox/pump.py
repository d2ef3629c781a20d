"""Reads the output of a container in a thread, so that nobody has to wait for it."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOOK_EVERY_SECONDS = 0.05
LAST_WORDS_SECONDS = 60.0


class Pump:
    """What a container prints, read by a thread of its own.

    A container whose output nobody reads cannot be killed: the engine waits for its reader. So the thread goes on to the end, and
    after `with` drops what does not fit in the queue.
    """

    def __init__(self, stream: Iterator[bytes], *, close: Callable[[], None]) -> None:
        self._chunks: queue.Queue[bytes] = queue.Queue(maxsize=64)
        self._dropping = threading.Event()
        self._stream, self._close = stream, close
        self._thread = threading.Thread(target=self._pump, daemon=True)

    def __enter__(self) -> Self:
        """Begin to read."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop waiting for whoever takes the output."""
        self._dropping.set()

    @property
    def ended(self) -> bool:
        """Return whether nothing more will come."""
        return not self._thread.is_alive() and self._chunks.empty()

    def next(self) -> bytes:
        """Return the next bytes, or none after a short wait."""
        try:
            return self._chunks.get(timeout=LOOK_EVERY_SECONDS)
        except queue.Empty:
            return b""

    def rest(self) -> Iterator[bytes]:
        """Yield what was printed before the container ended."""
        self._thread.join(timeout=LAST_WORDS_SECONDS)
        while not self._chunks.empty():
            yield self._chunks.get()

    def _pump(self) -> None:
        for data in self._stream:
            waiting = True
            while waiting:
                try:
                    self._chunks.put(data, block=not self._dropping.is_set(), timeout=LOOK_EVERY_SECONDS)
                    waiting = False
                except queue.Full:
                    waiting = not self._dropping.is_set()
        self._close()
