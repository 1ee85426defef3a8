"""Asks the terminal what it is, once, before the screen opens and Textual reads the answers."""

import os
import re
import select
import termios
import time
import tty
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

KITTY_QUERY = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
QUERIES = "\x1b[>q\x1b[16t\x1b[c"
"""Name, cell size, and last what every terminal answers: once that comes, nothing else will."""

LIMIT_SECONDS = 1.5
LIMIT_BYTES = 65_536
"""A terminal that says more than this isn't listened to."""

ANSWERS = re.compile(
    rb"\x1b_G(?P<kitty>[^\x1b]{0,200})\x1b\\"
    rb"|\x1bP>\|(?P<name>[^\x1b]{0,200})\x1b\\"
    rb"|\x1b\[6;(?P<height>\d{1,5});(?P<width>\d{1,5})t"
    rb"|\x1b\[\?(?P<attributes>[\d;]{0,200})c"
)

NOT_KEYS = re.compile(rb"\x1b[P_\]X^].*?(?:\x1b\\|\x07|\Z)|\x1b\[[?>6][\d;]*(?:[a-z]|\Z)", re.DOTALL)
"""Other answers, and broken ones."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a terminal answered; nothing of it is believed yet."""

    kitty: bool = False
    """It takes kitty's graphics, or says so."""
    name: str = ""
    """Name and version, such as "XTerm(379)"."""
    cell: tuple[int, int] | None = None
    """Width and height of a character in pixels."""
    attributes: frozenset[str] = frozenset()
    """Of its primary device attributes; "4" is sixel."""
    answered: bool = False
    """Whether the last question was answered: if not, answers may still come."""
    typed: bytes = b""
    """Keys that somebody pressed meanwhile."""


def is_multiplexed(environ: Mapping[str, str]) -> bool:
    """Whether tmux or screen stands between this program and the terminal."""
    return bool(environ.get("TMUX") or environ.get("STY") or environ.get("TERM", "").startswith(("tmux", "screen")))


def ask(environ: Mapping[str, str], read_from: int = 0, write_to: int = 1, limit: float = LIMIT_SECONDS) -> Heard:
    """Asks everything in one go and listens until the last answer, at most `limit` seconds.

    Nothing is asked where either descriptor is no terminal, or a dumb one. The terminal's mode is as before after it.
    """
    if environ.get("TERM", "dumb") == "dumb" or not (os.isatty(read_from) and os.isatty(write_to)):
        return Heard()
    # tmux passes what it doesn't know to nobody, and old ones show it as the pane's title.
    question = QUERIES if is_multiplexed(environ) else KITTY_QUERY + QUERIES
    try:
        with _quiet(read_from):
            os.write(write_to, question.encode())
            return understand(_listen(read_from, limit))
    except (OSError, termios.error):
        return Heard()


@contextmanager
def _quiet(descriptor: int) -> Iterator[None]:
    """No echo and no line editing, as on the screen that follows."""
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor, termios.TCSANOW)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSANOW, before)


def _listen(descriptor: int, limit: float) -> bytes:
    """All input up to the last answer; what somebody types behind it stays where it is, or is read too."""
    heard = b""
    deadline = time.monotonic() + limit
    while (left := deadline - time.monotonic()) > 0 and len(heard) < LIMIT_BYTES:
        if not select.select([descriptor], [], [], left)[0]:
            break
        if not (piece := os.read(descriptor, 4096)):
            break
        heard += piece
        if any(match["attributes"] is not None for match in ANSWERS.finditer(heard)):
            break
    return heard


def understand(data: bytes) -> Heard:
    """Answers and keys told apart."""
    kitty, answered, name, cell, attributes = False, False, "", None, frozenset[str]()
    for match in ANSWERS.finditer(data):
        if match["kitty"] is not None:
            kitty = match["kitty"] == b"i=31;OK"
        elif match["name"] is not None:
            name = match["name"].decode("ascii", "replace")[:100]
        elif match["width"] is not None:
            cell = (int(match["width"]), int(match["height"]))
        else:
            answered = True
            attributes = frozenset(match["attributes"].decode("ascii").split(";"))
    typed = NOT_KEYS.sub(b"", ANSWERS.sub(b"", data)).replace(b"\n", b"\r")
    return Heard(kitty, name, cell, attributes, answered, typed[:1000])
