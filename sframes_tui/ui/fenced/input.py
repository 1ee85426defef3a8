"""What a terminal sends, made fit for the screen: late answers are no key presses, and nothing in it does harm.

Whoever sits behind the terminal may send anything, and text on the clipboard may come from a stranger. Textual has no
public name for its parser: where the one it has changed, input stays as it is.
"""

import codecs
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial

from textual import _xterm_parser
from textual.drivers import linux_driver
from textual.events import Event, Key, Resize
from textual.message import Message

from sframes_tui.printable import printable

HOLD_SECONDS = 0.1
"""How long the begin of an answer waits for its end: as long as Textual waits behind Escape."""

LONGEST = 300
LONGEST_PASTE = 100_000
"""Characters: a configuration has no longer texts."""
MOST_CELLS = 5_000
"""Columns or lines of a window; a terminal that says more isn't believed."""

_ANSWER = re.compile(r"\x1b_G[^\x1b]{0,200}\x1b\\|\x1bP>\|[^\x1b]{0,200}\x1b\\|\x1b\[6;\d+;\d+t|\x1b\[\?[\d;]*c")
_BEGUN = re.compile(r"\x1b(_(G[^\x1b]{0,200}(\x1b)?)?|P(>(\|[^\x1b]{0,200}(\x1b)?)?)?|\[(6(;[\d;]*)?|\?[\d;]*)?)?\Z")
_PASTE, _PASTE_END = _xterm_parser.BRACKETED_PASTE_START, _xterm_parser.BRACKETED_PASTE_END


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


class PasteFilter:
    """Makes pasted text harmless before Textual's parser sees it, which takes an Escape in it for the begin of keys."""

    def __init__(self) -> None:
        self._inside, self._before, self._left = False, "", LONGEST_PASTE
        """`before`: the end of what came; its marks may come in pieces."""

    def feed(self, data: str) -> str:
        sound = []
        while data:
            part, data = self._pasted(data) if self._inside else self._typed(data)
            sound.append(part)
        return "".join(sound)

    def _typed(self, data: str) -> tuple[str, str]:
        """What comes up to the begin of a paste, which is passed on at once, and the rest."""
        text = self._before + data
        at = text.find(_PASTE)
        if at < 0:
            self._before = text[-len(_PASTE) + 1 :]
            return data, ""
        self._inside, self._left = True, LONGEST_PASTE
        end = at + len(_PASTE) - len(self._before)
        self._before = ""
        return data[:end], data[end:]

    def _pasted(self, data: str) -> tuple[str, str]:
        """The same for a paste and its end, the begin of which is held back until it is clear."""
        text, ended, rest = (self._before + data).partition(_PASTE_END)
        begun = 0 if ended else next(n for n in range(len(_PASTE_END) - 1, -1, -1) if text.endswith(_PASTE_END[:n]))
        text, self._before = text[: len(text) - begun], text[len(text) - begun :]
        self._inside = not ended
        clean = printable(text[: self._left])
        self._left -= len(clean)
        return clean + ended, rest


class _SoundParser(_xterm_parser.XTermParser):
    """Textual's parser, which ends the screen at a key beyond Unicode and takes a window's size of any number."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._pastes = PasteFilter()

    def feed(self, data: str) -> Iterable[Message]:
        # An empty text tells the parser that input has ended.
        if data and not (data := self._pastes.feed(data)):
            return ()
        return _sound(super().feed(data))

    def tick(self) -> Iterable[Message]:
        return _sound(super().tick())

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[Key]:
        try:
            return [*super()._sequence_to_key_events(sequence, alt)]
        except (ValueError, OverflowError):
            return [Key("<ignore>", None)]

    def parse_mouse_code(self, code: str) -> Message | None:
        try:
            return super().parse_mouse_code(code)
        except (ValueError, ArithmeticError):
            return None


def _sound(messages: Iterable[Message]) -> Iterator[Message]:
    """Without what no terminal and no keyboard sends."""
    for message in messages:
        match message:
            case Resize(size=size) if not (0 < size.width <= MOST_CELLS and 0 < size.height <= MOST_CELLS):
                continue
            case Key(character=str(character)) if "\ud800" <= character <= "\udfff":
                continue
        yield message


class _FilteringParser(_SoundParser):
    """One that never sees an answer that nobody waits for any more."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._filter = AnswerFilter()

    def feed(self, data: str) -> Iterable[Message]:
        if data and not (data := self._filter.feed(data)):
            return ()
        return super().feed(data)

    def tick(self) -> Iterable[Message]:
        if overdue := self._filter.overdue():
            yield from super().feed(overdue)
        yield from super().tick()


@contextmanager
def guarded_input(late_answers: bool) -> Iterator[None]:
    """For the block in which the screen is open; `late_answers`: the terminal has not answered yet."""
    parser = _FilteringParser if late_answers else _SoundParser
    with _replaced("XTermParser", parser), _replaced("getincrementaldecoder", _decoder):
        yield


@contextmanager
def _replaced(name: str, value: object) -> Iterator[None]:
    """What Textual's driver takes from its own module."""
    if (before := getattr(linux_driver, name, None)) is None:
        yield
        return
    setattr(linux_driver, name, value)
    try:
        yield
    finally:
        setattr(linux_driver, name, before)


def _decoder(encoding: str) -> Callable[[], codecs.IncrementalDecoder]:
    """Bytes that are no text, such as those of a terminal with another encoding, don't end the screen."""
    return partial(codecs.getincrementaldecoder(encoding), errors="replace")


def typed_keys(typed: bytes) -> list[Event]:
    """Keys that were pressed before the screen opened, for it to take as pressed now."""
    if not typed:
        return []
    parser = _SoundParser()
    messages = [*parser.feed(typed.decode("utf-8", "replace")), *parser.feed("")]
    return [message for message in messages if isinstance(message, Key)]
