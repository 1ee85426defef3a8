"""Keeps a terminal's late answers from becoming key presses, and gives the screen what was typed before it.

The only file that knows Textual's input parser, which has no public name: where that changed, input stays as it is.
"""

import re
import time
from collections.abc import Callable, Iterable

from textual import _xterm_parser
from textual.drivers import linux_driver
from textual.events import Event, Key
from textual.message import Message

HOLD_SECONDS = 0.1
"""How long the begin of an answer waits for its end: as long as Textual waits behind Escape."""

LONGEST = 300

_ANSWER = re.compile(r"\x1b_G[^\x1b]{0,200}\x1b\\|\x1bP>\|[^\x1b]{0,200}\x1b\\|\x1b\[6;\d+;\d+t|\x1b\[\?[\d;]*c")
_BEGUN = re.compile(r"\x1b(_(G[^\x1b]{0,200}(\x1b)?)?|P(>(\|[^\x1b]{0,200}(\x1b)?)?)?|\[(6(;[\d;]*)?|\?[\d;]*)?)?\Z")


class AnswerFilter:
    """Takes answers out of input that may come in any pieces."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._held, self._since = clock, "", 0.0

    def feed(self, data: str) -> str:
        """What of the input so far is for the screen; the begin of an answer is held back until more comes."""
        rest = _ANSWER.sub("", self._held + data)
        begun = _BEGUN.search(rest)
        keep = begun is not None and len(rest) - begun.start() <= LONGEST
        self._held = rest[begun.start() :] if begun is not None and keep else ""
        self._since = self._clock()
        return rest[: len(rest) - len(self._held)]

    def overdue(self) -> str:
        """What was held back for too long to be an answer: a key such as Escape."""
        if not self._held or self._clock() - self._since < HOLD_SECONDS:
            return ""
        held, self._held = self._held, ""
        return held


class _FilteringParser(_xterm_parser.XTermParser):
    """Textual's parser, which never sees an answer that nobody waits for any more."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._filter = AnswerFilter()

    def feed(self, data: str) -> Iterable[Message]:
        # An empty text tells the parser that input has ended.
        if data and not (data := self._filter.feed(data)):
            return ()
        return super().feed(data)

    def tick(self) -> Iterable[Message]:
        if overdue := self._filter.overdue():
            yield from super().feed(overdue)
        yield from super().tick()


def drop_late_answers() -> None:
    """To be called before the screen opens in a terminal that has not answered yet."""
    if hasattr(linux_driver, "XTermParser"):
        setattr(linux_driver, "XTermParser", _FilteringParser)  # noqa: B010 -- the module doesn't export the name


def typed_keys(typed: bytes) -> list[Event]:
    """Keys that were pressed before the screen opened, for it to take as pressed now."""
    if not typed:
        return []
    parser = _xterm_parser.XTermParser()
    messages = [*parser.feed(typed.decode("utf-8", "replace")), *parser.feed("")]
    return [message for message in messages if isinstance(message, Key)]
