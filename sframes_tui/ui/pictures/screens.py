"""Pictures on a screen of their own: one as large as it goes, or a chapter's side by side.

Both go on with what the pane below looks at, and watch it: what is walked to here is shown there too.
"""

from collections.abc import Callable, Sequence

from PIL import Image
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Static

from sframes_tui.plan.plan import Frame
from sframes_tui.printable import one_line
from sframes_tui.ui.commands import bindings
from sframes_tui.ui.pictures.album import position_of
from sframes_tui.ui.pictures.pane import PicturePane
from sframes_tui.ui.pictures.tiles import TileGrid
from sframes_tui.ui.pictures.view import PictureView

KEYS = "←→ prompts   ↑↓ styles   esc back"
GRID_KEYS = "arrows choose   enter shows   esc back"


class OnePicture(Screen[None]):
    """The selected picture, its prompt and where it comes from under it."""

    BINDINGS = bindings("picture")
    DEFAULT_CSS = """
    OnePicture #about { height: auto; max-height: 6; padding: 0 1; background: $surface; }
    OnePicture #facts { height: 1; padding: 0 1; background: $panel; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, pane: PicturePane) -> None:
        super().__init__()
        self._pane = pane
        self.view = PictureView(pane.canvas)
        self._shown: object = None
        self._facts = ""

    def compose(self) -> ComposeResult:
        yield self.view
        yield Static(id="about", markup=False)
        yield Static(id="facts", markup=False)

    def on_mount(self) -> None:
        self._pane.watcher = self
        self.refresh_pictures()

    def on_unmount(self) -> None:
        self._pane.watcher = None

    def refresh_pictures(self) -> None:
        """Called whenever the pane has changed."""
        frame, album = self._pane.frame, self._pane.album
        if frame is None or album is None:
            return
        face = self._pane.face(frame, album.tag(frame))
        self._show_facts(frame, face.status)
        if self._shown == (frame.number, face[2:]):
            return
        self._shown = (frame.number, face[2:])
        prompt = f"{album.plan.prompt(frame)} {album.plan.style_text(frame)}"
        self.query_one("#about", Static).update(Text(one_line(prompt, 2000)))
        if face.path is not None:
            self.view.show_file(face.path)
        else:
            self.view.show_words(face.words)

    def show_preview(self, frame: Frame, make: Callable[[], Image.Image]) -> None:
        if frame == self._pane.frame:
            self.view.show_preview(make)

    def _show_facts(self, frame: Frame, status: str) -> None:
        """Only where they are others: an update of the text may draw the picture anew."""
        assert self._pane.album is not None
        facts = Text.assemble((f"{status}  ", "bold"), self._pane.album.facts(frame), (f"   {KEYS}", "dim"))
        if facts.plain != self._facts:
            self._facts = facts.plain
            self.query_one("#facts", Static).update(facts, layout=False)

    def action_walk(self, by: int) -> None:
        self._pane.walk(by)

    def action_style(self, by: int) -> None:
        self._pane.action_style(by)

    def action_protocol(self) -> None:
        self._pane.action_protocol()
        self.view.repaint()

    def action_close(self) -> None:
        self.dismiss()


class ChapterGrid(Screen[None]):
    """Every picture of a chapter in one style."""

    BINDINGS = bindings("grid")
    DEFAULT_CSS = "ChapterGrid #facts { height: 1; padding: 0 1; background: $panel; text-wrap: nowrap; }"

    def __init__(self, pane: PicturePane) -> None:
        super().__init__()
        self._pane = pane
        self._chosen = 0
        self._words = ""

    def compose(self) -> ComposeResult:
        with Vertical():
            yield TileGrid(self._pane.canvas, self._pane.query_one(TileGrid).picture)
            yield Static(id="facts", markup=False)

    def on_mount(self) -> None:
        self._pane.watcher = self
        frame = self._pane.frame
        self._chosen = self._frames.index(frame) if frame in self._frames else 0
        self.refresh_pictures()

    def on_unmount(self) -> None:
        self._pane.watcher = None

    @property
    def _frames(self) -> Sequence[Frame]:
        pane = self._pane
        if pane.album is None or pane.frame is None:
            return []
        return pane.album.chapter(pane.position, pane.frame.style)

    def refresh_pictures(self) -> None:
        """Called whenever the pane has changed."""
        frames, album = self._frames, self._pane.album
        if not frames or album is None:
            return
        self._chosen = max(0, min(self._chosen, len(frames) - 1))
        grid = self.query_one(TileGrid)
        grid.show(len(frames), self._chosen, lambda place: self._pane.face(frames[place], str(frames[place].prompt)))
        chosen = frames[self._chosen]
        words = (
            f"{album.tag(chosen)} · {self._chosen + 1} of {len(frames)} · {one_line(album.plan.prompt(chosen), 200)}"
        )
        if words != self._words:
            self._words = words
            self.query_one("#facts", Static).update(Text.assemble((f"{GRID_KEYS}   ", "dim"), words), layout=False)

    def show_preview(self, frame: Frame, make: Callable[[], Image.Image]) -> None:
        if frame in (frames := self._frames):
            self.query_one(TileGrid).preview(frames.index(frame), make)

    def action_choose(self, columns: int, rows: int) -> None:
        """Moves the choice, over pages too."""
        self._chosen += columns + rows * self.query_one(TileGrid).columns
        self.refresh_pictures()

    def action_page(self, by: int) -> None:
        grid = self.query_one(TileGrid)
        self._chosen += by * grid.columns * grid.rows
        self.refresh_pictures()

    @on(TileGrid.Chosen)
    def choose_tile(self, message: TileGrid.Chosen) -> None:
        message.stop()
        self._chosen = message.number
        self.action_open()

    def action_open(self) -> None:
        """Back to the pane, at the chosen prompt."""
        if self._frames:
            self._pane.go(position_of(self._frames[self._chosen]))
        self.dismiss()

    def action_close(self) -> None:
        self.dismiss()
