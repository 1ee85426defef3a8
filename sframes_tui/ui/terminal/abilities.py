"""What this terminal can show: colours, pictures, and the size of its characters.

The answers of a terminal are kept, so that only the first start in it waits for them.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import struct
import termios
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import platformdirs

from sframes_tui.plain_file import read_plain, write_plain
from sframes_tui.printable import one_line
from sframes_tui.ui.terminal.questions import Heard, ask, is_multiplexed

Protocol = Literal["sixel", "kitty", "halfcell", "unicode", "off"]
PROTOCOLS: tuple[Protocol, ...] = ("sixel", "kitty", "halfcell", "unicode", "off")

MEMORY = platformdirs.user_cache_path("sframes") / "terminals.json"
REMEMBERED_SECONDS = 30 * 86_400.0
REMEMBERED_TERMINALS = 50
MEMORY_BYTES = 100_000

NAMES = ["TERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "COLORTERM", "LC_TERMINAL", "LC_TERMINAL_VERSION"]
NAMES += ["XTERM_VERSION", "VTE_VERSION", "KONSOLE_VERSION"]
NUMBERS = ("WT_SESSION", "KITTY_WINDOW_ID", "TMUX", "STY")
"""Variables that tell terminals apart: by what they say, and by their being there."""

FIRST_KITTY = (0, 28)
"""The first version of kitty that has the placeholders which pictures in a text screen need."""

TRUE_COLOUR = re.compile(
    r"kitty|wezterm|ghostty|foot|konsole|iterm|contour|mintty|alacritty|rio|vscode|warp|xterm\(3[3-9]\d\)|xterm\([4-9]\d\d"
    r"|-direct|tmux",
    re.IGNORECASE,
)
"""Names of terminals that show 24-bit colours; tmux takes them everywhere and lowers them where it must."""


class CellSize(NamedTuple):
    """Of one character, in pixels."""

    width: int
    height: int


USUAL_CELL = CellSize(10, 20)


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal as it is known at the start."""

    protocol: Protocol = "unicode"
    """The best way to show pictures that truly works in it."""
    cell: CellSize = USUAL_CELL
    colours: Literal["truecolor", ""] = ""
    """Textual's name of how many it shows; empty where Textual finds that out by itself."""
    few_colours: bool = False
    """Whether it shows no more than sixteen."""
    slow: bool = False
    """Whether a network lies between."""
    heard: Heard = field(default_factory=Heard)
    remembered: bool = False
    """Whether the answers are from an earlier start."""

    def shows(self, protocol: Protocol) -> bool:
        """Whether pictures in this way are seen as pictures."""
        if protocol == "sixel":
            return self.protocol == "sixel" or "4" in self.heard.attributes
        return protocol != "kitty" or self.protocol == "kitty"

    @property
    def may_answer_late(self) -> bool:
        return not self.remembered and not self.heard.answered


def find_terminal(
    environ: Mapping[str, str] = os.environ, memory: Path = MEMORY, read_from: int = 0, write_to: int = 1
) -> Terminal:
    """Looks the terminal up, or asks it: at most once in 30 days for each kind of terminal."""
    if not (os.isatty(read_from) and os.isatty(write_to)):
        return Terminal()
    key = _key(environ)
    known = _recall(memory, key)
    heard = known or ask(environ, read_from, write_to)
    if known is None and heard.answered:
        _remember(memory, key, heard)
    return judge(heard, environ, _window_cell(write_to), remembered=known is not None)


def judge(heard: Heard, environ: Mapping[str, str], window: CellSize | None, remembered: bool = False) -> Terminal:
    """What follows from a terminal's answers, its environment and its window's size in pixels."""
    colours = _colours(heard, environ)
    cell = window or _sane(heard.cell) or USUAL_CELL
    slow = bool(environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"))
    few = not colours and _shows_sixteen(environ)
    return Terminal(_protocol(heard, environ, colours), cell, colours, few, slow, heard, remembered)


def _protocol(heard: Heard, environ: Mapping[str, str], colours: str) -> Protocol:
    if environ.get("TERM", "dumb") in ("dumb", "linux"):
        return "unicode"
    if is_multiplexed(environ):
        return "halfcell"
    if heard.kitty and _has_placeholders(heard.name) and _sees_true_colour(colours, environ):
        return "kitty"
    return "sixel" if "4" in heard.attributes else "halfcell"


def _has_placeholders(name: str) -> bool:
    """Whether a terminal that takes kitty's graphics has them in text cells too; wezterm and konsole don't."""
    if name.lower().startswith("ghostty"):
        return True
    version = re.match(r"kitty\((\d{1,5})\.(\d{1,5})", name)
    return version is not None and (int(version[1]), int(version[2])) >= FIRST_KITTY


def _sees_true_colour(colours: str, environ: Mapping[str, str]) -> bool:
    """A picture's number is a 24-bit colour of its cells."""
    return "truecolor" in (colours, environ.get("COLORTERM"), environ.get("TEXTUAL_COLOR_SYSTEM"))


def _colours(heard: Heard, environ: Mapping[str, str]) -> Literal["truecolor", ""]:
    """SSH doesn't pass COLORTERM on: terminals that are known by name get their colours back."""
    if environ.get("TEXTUAL_COLOR_SYSTEM") or environ.get("COLORTERM") or environ.get("NO_COLOR"):
        return ""
    names = (environ.get("TERM", ""), environ.get("TERM_PROGRAM", ""), environ.get("LC_TERMINAL", ""), heard.name)
    known = any(TRUE_COLOUR.search(name) for name in names)
    return "truecolor" if known or environ.get("WT_SESSION") or environ.get("KONSOLE_VERSION") else ""


def _shows_sixteen(environ: Mapping[str, str]) -> bool:
    """What Rich takes a terminal for that says nothing of more colours."""
    more = environ.get("COLORTERM") or environ.get("TEXTUAL_COLOR_SYSTEM", "auto") not in ("auto", "standard")
    return not more and re.search("256color|kitty", environ.get("TERM", "")) is None


def _sane(cell: tuple[int, int] | None) -> CellSize | None:
    if cell is None or not (2 <= cell[0] <= 200 and 2 <= cell[1] <= 400):
        return None
    return CellSize(*cell)


def _window_cell(descriptor: int) -> CellSize | None:
    """From the window's size in pixels, where the terminal tells it."""
    with contextlib.suppress(OSError):
        answer = fcntl.ioctl(descriptor, termios.TIOCGWINSZ, b"\0" * 8)
        rows, columns, width, height = struct.unpack("4H", answer)
        if rows and columns:
            return _sane((width // columns, height // rows))
    return None


def current_cell(terminal: Terminal) -> CellSize:
    """The size of a character now: fonts change, and windows move to other screens."""
    # stdin, since the screen takes the other two away from native libraries.
    return _window_cell(0) or terminal.cell


def _key(environ: Mapping[str, str]) -> str:
    """Tells terminals apart, without keeping what the environment says."""
    parts = [environ.get(name, "") for name in NAMES]
    parts += [str(bool(environ.get(name))) for name in NUMBERS]
    parts.append(environ.get("SSH_CONNECTION", "").split(" ")[0])
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _recall(memory: Path, key: str) -> Heard | None:
    """What a terminal answered before; None where that isn't known or too long ago."""
    try:
        entry = _entries(memory)[key]
        if not 0 <= time.time() - entry["when"] < REMEMBERED_SECONDS:
            return None
        cell = None if entry["cell"] is None else (int(entry["cell"][0]), int(entry["cell"][1]))
        attributes = frozenset(map(str, entry["attributes"]))
        return Heard(entry["kitty"] is True, one_line(str(entry["name"]), 100), cell, attributes, answered=True)
    except (KeyError, TypeError, ValueError, IndexError, OverflowError):
        return None


def _entries(memory: Path) -> dict[str, dict[str, Any]]:
    try:
        entries = json.loads(read_plain(memory, MEMORY_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return entries if isinstance(entries, dict) else {}


def _remember(memory: Path, key: str, heard: Heard) -> None:
    """Keeps the answers; where that can't be, the next start asks again."""
    entry: dict[str, Any] = {"when": time.time(), "kitty": heard.kitty, "name": heard.name, "cell": heard.cell}
    entry["attributes"] = sorted(heard.attributes)
    others = [(other, each) for other, each in _entries(memory).items() if other != key][-REMEMBERED_TERMINALS + 1 :]
    with contextlib.suppress(OSError):
        write_plain(memory, json.dumps(dict([*others, (key, entry)])).encode())


def forget_terminals(memory: Path = MEMORY) -> None:
    """The next start asks the terminal again."""
    with contextlib.suppress(OSError):
        memory.unlink()
