"""The terminal's test page: what it can show, by a picture in each way.

Whether a way works is seen at a glance, and nowhere else: a terminal may say that it knows one and draw nothing.
"""

import math

from PIL import Image
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from sframes_tui.printable import one_line
from sframes_tui.ui.commands import bindings
from sframes_tui.ui.pictures.view import Canvas, PictureView
from sframes_tui.ui.terminal.abilities import PROTOCOLS, Protocol, current_cell, forget_terminals

EXPECTED: dict[Protocol, str] = {
    "sixel": "as sharp as the terminal",
    "kitty": "as sharp as the terminal",
    "halfcell": "blocks in colours",
    "unicode": "grey characters",
}


def colour_wheel(side: int = 192) -> Image.Image:
    """A wheel of colours on a grey ramp: bands, wrong colours and stretched circles are seen at once."""
    picture = Image.new("RGB", (side, side))
    for y in range(side):
        for x in range(side):
            dx, dy = (x + 0.5) / side * 2 - 1, (y + 0.5) / side * 2 - 1
            radius = math.hypot(dx, dy)
            hue = int((math.atan2(dy, dx) / math.tau % 1) * 255)
            grey = x * 255 // side
            picture.putpixel((x, y), _wheel(hue, radius) if radius < 0.9 else (grey, grey, grey))
    return picture


def _wheel(hue: int, radius: float) -> tuple[int, int, int]:
    """A colour of the wheel: pale in the middle, full at the rim."""
    channels = [abs((hue / 255 * 6 + shift) % 6 - 3) - 1 for shift in (0, 4, 2)]
    full = [max(0.0, min(1.0, channel)) for channel in channels]
    return (
        round(255 * (1 - radius / 0.9 * (1 - full[0]))),
        round(255 * (1 - radius / 0.9 * (1 - full[1]))),
        round(255 * (1 - radius / 0.9 * (1 - full[2]))),
    )


class TerminalPage(Screen[None]):
    """Facts on the left, a test picture in each protocol beside them."""

    BINDINGS = bindings("terminal")
    DEFAULT_CSS = """
    TerminalPage VerticalScroll { width: 34; padding: 1 2; }
    TerminalPage #ways { layout: grid; grid-size: 2 2; grid-gutter: 1 2; padding: 1; }
    TerminalPage #ways > Vertical > Static { height: 1; width: 1fr; text-wrap: nowrap; text-overflow: ellipsis; }
    TerminalPage #keys { height: 1; background: $panel; padding: 0 1; }
    """

    def __init__(self, canvas: Canvas) -> None:
        super().__init__()
        self._canvas = canvas

    def compose(self) -> ComposeResult:
        with Horizontal():
            with VerticalScroll():
                yield Static(self._facts(), markup=False)
            with Vertical(id="ways"):
                for protocol in PROTOCOLS[:-1]:
                    with Vertical():
                        chosen = " ← in use" if protocol == self._canvas.protocol else ""
                        yield Static(Text.assemble((protocol, "bold"), f": {EXPECTED[protocol]}{chosen}"))
                        words = "drawing" if self._canvas.terminal.shows(protocol) else "not in this terminal"
                        yield PictureView(self._own_canvas(protocol), words)
        yield Static("esc back   f asks the terminal again at the next start", id="keys", markup=False)

    def _own_canvas(self, protocol: Protocol) -> Canvas:
        return Canvas(self._canvas.shop, self._canvas.sender, self._canvas.terminal, protocol)

    def on_mount(self) -> None:
        self.call_after_refresh(self._show)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        for protocol, view in zip(PROTOCOLS, self.query(PictureView), strict=False):
            if self._canvas.terminal.shows(protocol):
                view.show_made(colour_wheel)

    def _facts(self) -> Text:
        terminal = self._canvas.terminal
        heard, cell = terminal.heard, current_cell(terminal)
        kind = "remembered from an earlier start" if terminal.remembered else "asked at this start"
        lines = [
            ("Terminal", one_line(heard.name) or "gives no name"),
            ("Answers", kind if heard.answered else "none in time"),
            ("Character", f"{cell.width} x {cell.height} pixels"),
            ("Colours", str(self.app.console.color_system)),
            ("Sixel", "yes, it says" if "4" in heard.attributes else "no"),
            ("Kitty graphics", "yes, it says" if heard.kitty else "no"),
            ("Best for it", terminal.protocol),
            ("In use", self._canvas.protocol),
            ("Network", "yes (SSH): previews are small" if terminal.slow else "no"),
        ]
        parts: list[tuple[str, str] | str] = []
        for name, fact in lines:
            parts += [(f"{name}\n", "bold"), f"  {fact}\n"]
        return Text.assemble(*parts)

    def action_forget(self) -> None:
        forget_terminals()
        self.notify("The terminal is asked again at the next start.")

    def action_close(self) -> None:
        self.dismiss()
