"""What is sent beside the screen's text: pictures for kitty, in pieces between which keys get their echo.

Also how much may be sent at all over a slow line.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable

from textual.app import App

from sframes_tui.ui.pictures.painting import Painting, forget_message

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

    def __init__(self, write: Callable[[str], bool], slow: bool, wake: Callable[[], object] = lambda: None) -> None:
        """`write` returns whether the terminal takes a text now; `wake` is called where there is something to send:
        ticks are wanted from then on.
        """
        self._write, self._wake = write, wake
        self._budget = BYTES_A_TICK_SLOW if slow else BYTES_A_TICK
        self._pieces: deque[tuple[str, Callable[[], object] | None]] = deque()
        """What is to be sent, with what is to be done after it; that stands at a picture's last piece."""
        self._under_way: set[int] = set()
        self._there: OrderedDict[int, None] = OrderedDict()

    def has(self, painting: Painting) -> bool:
        """Whether the terminal can show it at once."""
        if painting.number in self._there:
            self._there.move_to_end(painting.number)
            return True
        return not painting.messages

    def send(self, painting: Painting, done: Callable[[], object]) -> None:
        """Sends a picture with the next ticks; `done` is called once it is there."""
        if painting.number in self._under_way:
            return
        self._under_way.add(painting.number)
        *pieces, last = painting.messages
        idle = not self._pieces
        self._pieces.extend((piece, None) for piece in pieces)
        self._pieces.append((last, lambda: self._finish(painting.number, done)))
        if idle:
            self._wake()

    def tick(self) -> bool:
        """Sends as much as a tick may take and the terminal takes, and returns whether there is more.

        Pieces of two pictures never mix, and none is ever left out: kitty would show a black picture.
        """
        budget = self._budget
        while self._pieces and budget > 0:
            texts, after = self._next_pieces(budget)
            text = "".join(texts)
            if not self._write(text):
                break
            budget -= len(text)
            for _ in texts:
                self._pieces.popleft()
            if after is not None:
                after()
        return bool(self._pieces)

    def _next_pieces(self, budget: int) -> tuple[list[str], Callable[[], object] | None]:
        """Pieces of one picture until the budget is spent, and what is to be done after them."""
        texts: list[str] = []
        for text, after in self._pieces:
            texts.append(text)
            budget -= len(text)
            if after is not None or budget <= 0:
                return texts, after
        return texts, None

    def _finish(self, number: int, done: Callable[[], object]) -> None:
        self._under_way.discard(number)
        self._there[number] = None
        if len(self._there) > KEPT_IN_TERMINAL:
            self._pieces.appendleft((forget_message(self._there.popitem(last=False)[0]), None))
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
