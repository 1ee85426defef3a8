"""The screen beside an empty Textual app, and its keys while a run draws: `python -m bench screen`.

Start: from the process's begin to the last line of its first picture, in turn with an app that shows one word. Keys:
from a key's bytes to its echo, while the built-in model draws with all cores.
"""

import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.pseudo_terminal import PseudoTerminal

ROOT = Path(__file__).resolve().parent.parent
SIZE = (120, 40)
STARTS = 11
KEYS = 150
KEY_SECONDS = 0.13
PATIENCE = 120.0
EMPTY_APP = (
    "from textual.app import App; from textual.widgets import Label\n"
    "class Empty(App):\n    def compose(self): yield Label('Nothing here')\n"
    "Empty().run()"
)
LETTERS = "бгдёжзиклмнптфцчшщъыьэюя"
"""Nothing else on the screen holds them."""


def environ(folder: Path) -> dict[str, str]:
    """A terminal of 24-bit colours, and nothing remembered from elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    homes = {f"XDG_{kind}_HOME": str(folder) for kind in ("CACHE", "CONFIG", "DATA", "STATE")}
    return kept | homes | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": str(ROOT)}


def start_seconds(command: Sequence[str], last: bytes, folder: Path) -> tuple[float, float]:
    """Seconds until `last` is on the screen, and processor seconds: those bear a busy machine."""
    terminal = PseudoTerminal(command, *SIZE, environ(folder), ROOT)
    try:
        return terminal.wait_for(last, PATIENCE) - terminal.started, terminal.cpu_seconds()
    finally:
        terminal.close()


def compare_starts(folder: Path) -> None:
    empty = [sys.executable, "-c", EMPTY_APP]
    screen = [sys.executable, "tui.py", "configs/lighthouse.toml"]
    start_seconds(screen, b"Quit", folder)  # The terminal's answers are remembered from here on.
    pairs = [
        (start_seconds(empty, b"Nothing here", folder), start_seconds(screen, b"Quit", folder)) for _ in range(STARTS)
    ]
    for number, clock in enumerate(("seconds", "processor seconds")):
        empties, screens = zip(*((one[number], other[number]) for one, other in pairs), strict=True)
        ratio = statistics.median(screen / empty for empty, screen in zip(empties, screens, strict=True))
        medians = f"empty app {statistics.median(empties):.2f}, the screen {statistics.median(screens):.2f}"
        print(f"first paint  {clock}: {medians}, ratio {ratio:.2f}")


def key_seconds(terminal: PseudoTerminal, count: int) -> list[float]:
    """Seconds from each letter to its echo, into the log's search box."""
    taken = []
    for number in range(count):
        letter = LETTERS[number % len(LETTERS)].encode()
        if number % len(LETTERS) == 0:
            terminal.type(b"\x15")  # empties the box
            terminal.pause(KEY_SECONDS * 3)
        start = len(terminal.output)
        sent = terminal.now()
        terminal.type(letter)
        taken.append(terminal.wait_for(letter, PATIENCE, start) - sent)
        terminal.pause(KEY_SECONDS)
    return taken


def time_keys(folder: Path) -> None:
    command = [sys.executable, "tui.py", "configs/lighthouse.toml", "--output", str(folder / "output")]
    terminal = PseudoTerminal(command, *SIZE, environ(folder), ROOT)
    try:
        terminal.wait_for(b"Quit", PATIENCE)
        terminal.type(b"\x1b[15~")
        terminal.pause(1)
        terminal.type(b"/")
        terminal.pause(1)
        tell_keys("idle", key_seconds(terminal, KEYS))
        terminal.type(b"\x12")
        terminal.wait_for(b"drawing", PATIENCE)
        terminal.wait_for(b"it/s", PATIENCE)
        tell_keys("while drawing", key_seconds(terminal, KEYS))
    finally:
        terminal.close()


def tell_keys(when: str, taken: list[float]) -> None:
    ordered = sorted(taken)
    shown = {name: 1000 * ordered[int(part * (len(ordered) - 1))] for name, part in (("p50", 0.5), ("p95", 0.95))}
    words = ", ".join(f"{name} {value:.0f} ms" for name, value in shown.items())
    print(f"keys {when:<14} {words}, max {1000 * ordered[-1]:.0f} ms of {len(taken)}")


def main() -> None:
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as name:
        compare_starts(Path(name))
        time_keys(Path(name))


if __name__ == "__main__":
    main()
