"""The pictures: one tile for each style of a prompt, and the strip of their chain.

It shows again only what differs: it is told of every change of a run, ten times a second.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from PIL import Image
from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.timer import Timer

from sframes_tui.plan.plan import Frame, Plan
from sframes_tui.run.state import DRAWING, RunState
from sframes_tui.ui.commands import bindings
from sframes_tui.ui.fenced.driver import writer
from sframes_tui.ui.framed_pane import FramedPane
from sframes_tui.ui.pictures.album import WORDS, Album, Position, position_of
from sframes_tui.ui.pictures.film_strip import FilmStrip
from sframes_tui.ui.pictures.sender import TICK_SECONDS, Pace, Sender, is_typing
from sframes_tui.ui.pictures.shop import PaintShop
from sframes_tui.ui.pictures.tiles import Face, TileGrid
from sframes_tui.ui.pictures.view import SMALL_PREVIEW, Canvas
from sframes_tui.ui.terminal.abilities import PROTOCOLS, Terminal

PREVIEW_SECONDS, PREVIEW_SECONDS_TYPING = 0.25, 1.0
"""Between two previews of one frame, at least; painting one takes as long as a key's echo."""

STRIP_FROM = 16
"""Lines of the pane from which on there is room for the film strip."""


class Watcher(Protocol):
    """Is told of every change."""

    def refresh_pictures(self) -> None: ...

    def show_preview(self, frame: Frame, make: Callable[[], Image.Image]) -> None:
        """Of a frame of the prompt that the pane shows."""
        ...


class PicturePane(FramedPane, can_focus=True):
    """One tile for each style of the prompt that is looked at."""

    BINDINGS = bindings("pictures")

    @dataclass
    class PromptWanted(Message):
        """Somebody walked on to another prompt."""

        variant: int
        chapter: int
        prompt: int

    def __init__(self, terminal: Terminal | None = None) -> None:
        super().__init__(id="pictures")
        self.border_title = "Pictures"
        self.terminal = terminal or Terminal()
        sender = Sender(lambda text: writer(self.app)(text), self.terminal.slow, self._send)
        self.canvas = Canvas(PaintShop(), sender, self.terminal, self.terminal.protocol)
        self.album: Album | None = None
        self.position = Position(0, 0, 0)
        self.style_number = 0
        self._pace = Pace(self.terminal.slow)
        self._previews: dict[int, Callable[[], Image.Image]] = {}
        self._timer: Timer | None = None
        self._sending: Timer | None = None
        self.watcher: Watcher | None = None
        """A screen that shows the same pictures in another way, while it is open."""

    def compose(self) -> ComposeResult:
        yield TileGrid(self.canvas)
        yield FilmStrip(self.canvas)

    def on_mount(self) -> None:
        self.app.app_resume_signal.subscribe(self, lambda _: self._resume())

    def _send(self) -> None:
        """One tick soon, and others as long as there is something to send."""
        if self._sending is None:
            self._sending = self.set_timer(TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        self._sending = None
        if self.canvas.sender.tick():
            self._send()

    def on_unmount(self) -> None:
        self.canvas.sender.forget_all()
        self.canvas.shop.close()

    def on_resize(self) -> None:
        self.query_one(FilmStrip).display = self.size.height >= STRIP_FROM

    def show_plan(self, plan: Plan, locate: Callable[[Frame], Path]) -> None:
        """Another plan; `locate` says where a frame's picture is or will be."""
        self.album = Album(plan, locate)
        self._previews.clear()
        self.query_one(TileGrid).picture = plan.config.generation_config.shape
        if not self.album.frames(self.position) and plan.frames:
            self.position = position_of(plan.frames[0])
        self._show()

    def show_prompt(self, variant: int, chapter: int, prompt: int) -> None:
        """Shows the pictures of this prompt."""
        self.position = Position(variant, chapter, prompt)
        self._show()

    def show_state(self, state: RunState) -> None:
        """Marks of the tiles."""
        if self.album is not None:
            self.album.state = state
            self._show()

    def show_preview(self, frame: int, make: Callable[[], Image.Image]) -> None:
        """What a frame is going to look like; `make` is called in a worker, or not at all."""
        self._previews[frame] = make
        if self._timer is None:
            self._show_previews_later()

    def _show_previews_later(self) -> None:
        seconds = PREVIEW_SECONDS_TYPING if is_typing(self.app) else PREVIEW_SECONDS
        self._timer = self.set_timer(seconds, self._show_previews)

    def picture_saved(self, frame: int, path: Path) -> None:
        """A frame's picture is on disk."""
        self._previews.pop(frame, None)
        if self.album is not None:
            self.album.save(frame, path)
            if position_of(self.album.plan.frames[frame]) == self.position:
                self._show()

    def use_protocol(self, name: str) -> None:
        """How pictures are shown: a value of `preview_protocol`."""
        before = self.canvas.protocol
        self.canvas.protocol = next((known for known in PROTOCOLS if known == name), self.terminal.protocol)
        if self.canvas.protocol != before:
            self._repaint()

    def _resume(self) -> None:
        """Back from the shell: the terminal has nothing of what it was sent."""
        self.canvas.sender.forget_all()
        self.app.screen.refresh(layout=True)
        self._repaint()

    def _repaint(self) -> None:
        self.query_one(TileGrid).repaint()
        self.query_one(FilmStrip).refresh()

    @property
    def frames(self) -> list[Frame]:
        return list(self.album.frames(self.position)) if self.album else []

    @property
    def frame(self) -> Frame | None:
        """The frame of the selected style."""
        frames = self.frames
        return frames[min(self.style_number, len(frames) - 1)] if frames else None

    def face(self, frame: Frame, title: str) -> Face:
        """A frame as a tile."""
        assert self.album is not None
        path = self.album.path(frame)
        words = "" if path else WORDS[self.album.mark(frame)]
        return Face(title, self.album.status(frame), path, words, self.album.take(frame), frame.number)

    def _show(self) -> None:
        """Brings tiles, strip and title up to date; what is unchanged costs nothing."""
        album, frame = self.album, self.frame
        if album is None or frame is None:
            return
        frames = self.frames
        self.show_title(f"Pictures · {album.title(self.position)}")
        self.query_one(TileGrid).show(
            len(frames), frames.index(frame), lambda place: self.face(frames[place], album.tag(frames[place]))
        )
        if self.watcher is not None:
            self.watcher.refresh_pictures()
        chain, place = album.chain(frame)
        self.query_one(FilmStrip).show(
            len(chain),
            place,
            lambda place: self.face(chain[place], f"{chain[place].chapter}-{chain[place].prompt}"),
        )

    def _show_previews(self) -> None:
        """Shows the newest preview of every tile that is in sight, as many as the line bears; the rest later."""
        self._timer = None
        tiles = self.query_one(TileGrid)
        for place, frame in enumerate(self.frames):
            if frame.number not in self._previews or self.album is None or self.album.mark(frame) != DRAWING:
                continue
            if self._pace.may_send(self._preview_weight(tiles)):
                make = self._previews.pop(frame.number)
                tiles.preview(place, make)
                if self.watcher is not None:
                    self.watcher.show_preview(frame, make)
        shown = {frame.number for frame in self.frames}
        if shown & self._previews.keys():
            self._show_previews_later()

    def _preview_weight(self, tiles: TileGrid) -> int:
        columns, rows = tiles.size.width // tiles.columns, tiles.size.height // tiles.rows
        if self.terminal.slow:
            columns, rows = min(columns, SMALL_PREVIEW[0]), min(rows, SMALL_PREVIEW[1])
        return 38 * columns * rows

    def walk(self, by: int) -> None:
        """On to another prompt, and tells of it."""
        if self.album is not None and (position := self.album.beside(self.position, by)):
            self.go(position)

    def choose_style(self, number: int) -> None:
        if self.frames:
            self.style_number = number % len(self.frames)
            self._show()

    def go(self, position: Position) -> None:
        """Shows another prompt, and tells of it."""
        self.show_prompt(*position)
        self.post_message(self.PromptWanted(*position))

    def action_walk(self, by: int) -> None:
        self.walk(by)

    def action_style(self, by: int) -> None:
        self.choose_style(self.style_number + by)

    @on(TileGrid.Chosen)
    def choose_tile(self, message: TileGrid.Chosen) -> None:
        self.choose_style(message.number)

    @on(FilmStrip.Chosen)
    def choose_film(self, message: FilmStrip.Chosen) -> None:
        if self.album is not None and self.frame is not None:
            chosen = self.album.chain(self.frame)[0][message.number]
            self.style_number = chosen.style
            self.go(position_of(chosen))

    def action_protocol(self) -> None:
        """The next way of showing pictures that this terminal has."""
        place = PROTOCOLS.index(self.canvas.protocol)
        ways = (*PROTOCOLS[place + 1 :], *PROTOCOLS[: place + 1])
        self.use_protocol(next(way for way in ways if self.terminal.shows(way)))
        self.notify(f"Pictures: {self.canvas.protocol}")
