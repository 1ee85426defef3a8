"""What is sent beside the screen's text: pictures for kitty, in pieces between which keys get their echo.

Also how much may be sent at all over a slow line.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable

from textual.app import App

from sframes_tui.ui.picture_painting import Painting, forget_message

TICK_SECONDS = 0.05
BYTES_A_TICK, BYTES_A_TICK_SLOW = 262_144, 6_144
"""Over a network about half of 2 Mbit/s, with at most 25 ms of it under way when a key is pressed."""

KEPT_IN_TERMINAL = 60

PREVIEW_BYTES_A_SECOND, PREVIEW_BYTES_A_SECOND_SLOW = 1_000_000, 30_000
LARGEST_BURST = 15_000
"""Bytes of previews at once over a network: 60 ms of 2 Mbit/s."""

HEAVY = 20_000
"""A painting of more bytes waits over a network until nobody types."""
QUIET_SECONDS = 0.5


class Pace:
    """A limit of bytes a second: what was not used is saved up for a second."""

    def __init__(self, slow: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = PREVIEW_BYTES_A_SECOND_SLOW if slow else PREVIEW_BYTES_A_SECOND
        self._clock, self._left, self._then = clock, float(self._rate), clock()

    def may_send(self, weight: int) -> bool:
        """Whether so many bytes may be sent now; they count as sent then. Anything may go where all was saved up."""
        now = self._clock()
        self._left = min(self._rate, self._left + (now - self._then) * self._rate)
        self._then = now
        if self._left < min(weight, self._rate):
            return False
        self._left -= weight
        return True


class Sender:
    """Pictures on their way to kitty, and those that it has."""

    def __init__(self, write: Callable[[str], None], slow: bool, wake: Callable[[], object] = lambda: None) -> None:
        """`wake` is called where there is something to send: ticks are wanted from then on."""
        self._write, self._wake = write, wake
        self._budget = BYTES_A_TICK_SLOW if slow else BYTES_A_TICK
        self._queue: deque[tuple[Painting, Callable[[], object]]] = deque()
        self._pieces: deque[str] = deque()
        self._there: OrderedDict[int, None] = OrderedDict()

    def has(self, painting: Painting) -> bool:
        """Whether the terminal can show it at once."""
        if painting.number in self._there:
            self._there.move_to_end(painting.number)
            return True
        return not painting.messages

    def send(self, painting: Painting, done: Callable[[], object]) -> None:
        """Sends a picture with the next ticks; `done` is called once it is there."""
        if all(other is not painting for other, _ in self._queue):
            self._queue.append((painting, done))
            if len(self._queue) == 1:
                self._pieces.extend(painting.messages)
                self._wake()

    def tick(self) -> bool:
        """Sends as much as a tick may take, and returns whether there is more.

        Pieces of two pictures never mix: kitty couldn't tell them apart.
        """
        budget = self._budget
        while self._queue and budget > 0:
            piece = self._pieces.popleft()
            self._write(piece)
            budget -= len(piece)
            if not self._pieces:
                self._finish()
        return bool(self._queue)

    def _finish(self) -> None:
        painting, done = self._queue.popleft()
        self._there[painting.number] = None
        if len(self._there) > KEPT_IN_TERMINAL:
            self._write(forget_message(self._there.popitem(last=False)[0]))
        if self._queue:
            self._pieces.extend(self._queue[0][0].messages)
        done()

    def forget_all(self) -> None:
        """Frees what the terminal holds, as before the end, or because it lost it."""
        for number in self._there:
            self._write(forget_message(number))
        self._there.clear()


def is_typing(app: App[object]) -> bool:
    """Whether a key was pressed just now."""
    last_key: float = getattr(app, "last_key", -QUIET_SECONDS)
    return time.monotonic() - last_key < QUIET_SECONDS


def writer(app: App[object]) -> Callable[[str], None]:
    """Writes control sequences in order with the screen's own output; nothing where there is no terminal."""

    def write(text: str) -> None:
        driver = app._driver  # noqa: SLF001 -- Textual has no public way; its own bell and clipboard go this one.
        if driver is not None and not app.is_headless:
            driver.write(text)

    return write
