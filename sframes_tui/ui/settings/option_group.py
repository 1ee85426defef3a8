"""A group of the settings form that can be folded. Its rows are made when it is opened first: they take their time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from sframes_tui.config.document import Document
from sframes_tui.ui.commands import bindings
from sframes_tui.ui.fenced.own_keys import OwnKeys
from sframes_tui.ui.settings.option_row import OptionRow
from sframes_tui.ui.settings.style_table import StyleTable

Shows = OptionRow | StyleTable


class GroupTitle(OwnKeys, can_focus=True):
    """A group's name, and what a closed one hides."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("group")
    ALLOW_SELECT = False
    DEFAULT_CSS = """
    GroupTitle {
        height: 1; color: $text-primary; text-style: bold;
        &:focus { background: $panel; color: $accent; }
    }
    """

    @dataclass
    class Folded(Message):
        """A person folds or unfolds the group; None: whichever it isn't."""

        title: "GroupTitle"
        to: bool | None

    def __init__(self, name: str) -> None:
        super().__init__()
        self.title, self.folded, self._marks = name, True, (0, 0, 0)

    def show_marks(self, folded: bool, given: int, changed: int, wrong: int) -> None:
        """How many of its options are in the file, differ from the saved one, or are wrong."""
        if (folded, (given, changed, wrong)) != (self.folded, self._marks):
            self.folded, self._marks = folded, (given, changed, wrong)
            self.refresh()

    def render(self) -> Content:
        given, changed, wrong = self._marks
        title = Content(f"{'▸' if self.folded else '▾'} {self.title}")
        if not self.folded:
            return title
        marks = [(f"  {given} set", "$text-muted not bold")] if given else []
        marks += [(f"  ● {changed}", "$text-warning")] if changed else []
        marks += [(f"  ✗ {wrong}", "$text-error")] if wrong else []
        return Content.assemble(title, *marks)

    def action_turn(self) -> None:
        self.post_message(self.Folded(self, None))

    def action_fold(self, to: bool) -> None:
        self.post_message(self.Folded(self, to))

    def on_click(self) -> None:
        self.action_turn()


class OptionGroup(Vertical):
    """A title, and below it the group's widgets while it is open."""

    DEFAULT_CSS = """
    OptionGroup { height: auto; margin-bottom: 1; }
    OptionGroup.-folded { margin-bottom: 0; }
    OptionGroup > Vertical { height: auto; }
    OptionGroup.-folded > Vertical { display: none; }
    """

    def __init__(self, name: str, paths: Sequence[str], make: Callable[[], Sequence[Shows]]) -> None:
        """`paths` begin those of the group's options; `make` gives its widgets once it is opened."""
        super().__init__(classes="-folded")
        self.paths = tuple(paths)
        self.title = GroupTitle(name)
        self.body = Vertical()
        self.widgets: list[Shows] = []
        """What it holds, once it was opened."""
        self._make = make

    @property
    def folded(self) -> bool:
        return self.has_class("-folded")

    def compose(self) -> ComposeResult:
        yield self.title
        yield self.body

    async def fold(self, to: bool) -> None:
        """Closes or opens the group; what it holds is there afterwards."""
        if not to and not self.widgets:
            self.widgets = [*self._make()]
            await self.body.mount_all(self.widgets)
        self.set_class(to, "-folded")

    def show_document(self, document: Document) -> None:
        """In what it holds, and as marks on the title for what is hidden."""
        for widget in self.widgets:
            widget.show_document(document)
        if not self.folded:
            self.title.show_marks(False, 0, 0, 0)
            return
        given = sum(document.value(path) is not None for path in self.paths)
        changed, wrong = (sum(map(self.holds, found)) for found in (document.changed, document.problems))
        self.title.show_marks(True, given, changed, wrong)

    def holds(self, path: str) -> bool:
        """Whether an option is one of this group's."""
        return path in self.paths or path.split(".")[0] in self.paths
