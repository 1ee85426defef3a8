"""Disk work beside the drawing: pictures and grids, written in order by one thread. Must not import torch."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from sframes_tui.run.events import Event

MAX_WAITING = 8
"""Pictures that may wait for the disk before the drawing does."""


class Writer:
    """Runs tasks in the order given; each ends with the event that tells of it, or None."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
        self._room = threading.Semaphore(MAX_WAITING)
        self._tasks: deque[Future[Event | None]] = deque()

    def submit(self, task: Callable[[], Event | None]) -> None:
        """Queues a task; waits while too many are queued already."""
        self._room.acquire()
        future = self._pool.submit(task)
        future.add_done_callback(lambda _: self._room.release())
        self._tasks.append(future)

    def finished(self) -> Iterator[Event]:
        """The events of finished tasks, oldest first, up to the first task that went wrong."""
        while self._tasks and self._tasks[0].done() and not self._tasks[0].exception():
            if (event := self._tasks.popleft().result()) is not None:
                yield event

    def check(self) -> None:
        """Raises what a task raised."""
        if self._tasks and self._tasks[0].done():
            self._tasks[0].result()

    def close(self) -> None:
        """Lets what is queued finish."""
        self._pool.shutdown()
