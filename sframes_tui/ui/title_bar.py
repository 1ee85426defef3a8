"""The top line: whose settings these are, and the way to each pane. Must not import torch."""

from typing import ClassVar

from textual.content import Content
from textual.style import Style
from textual.widget import Widget

from sframes_tui.printable import one_line
from sframes_tui.ui.commands import shown_key
from sframes_tui.ui.key_bar import active_keys

PANES = {"form": "Settings", "story": "Story", "pictures": "Pictures", "log": "Log"}
"""A pane's id and what people call it."""


class TitleBar(Widget):
    """The program, the file and its unsaved mark at the left; the panes at the right, the one in front marked."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "title-bar--program",
        "title-bar--changed",
        "title-bar--pane",
        "title-bar--front",
        "title-bar--key",
    }

    def __init__(self) -> None:
        super().__init__(id="title")
        self.auto_links = False  # Tabs can be clicked, but look like tabs.
        self._shown_name, self._changed, self._front = "", False, ""

    def show_document(self, name: str, changed: bool) -> None:
        """The file's name, and whether it differs from what is on the disk."""
        self._shown_name, self._changed = one_line(name), changed
        self.refresh()

    def show_front(self, pane: str) -> None:
        """The pane that has the focus."""
        if pane != self._front:
            self._front = pane
            self.refresh()

    def render(self) -> Content:
        tabs = self._tabs()
        room = self.size.width - tabs.cell_length
        left = Content.assemble(("S-Frames", self.get_visual_style("title-bar--program")), "  ", self._shown_name)
        if self._changed:
            left = left.truncate(room - 3, ellipsis=True)
            left += Content.assemble((" ●", self.get_visual_style("title-bar--changed")))
        return left.truncate(room - 1, ellipsis=True).pad_right(max(0, room - left.cell_length))[:room] + tabs

    def _tabs(self) -> Content:
        return Content("").join(self._tab(pane, name) for pane, name in PANES.items())

    def _tab(self, pane: str, name: str) -> Content:
        click = Style.from_meta({"@click": f"screen.show({pane!r})"})
        style = self.get_visual_style("title-bar--front" if pane == self._front else "title-bar--pane")
        key = self.get_visual_style("title-bar--key")
        pressed = shown_key(active_keys(self.screen).get(f"show_{pane}", ""))
        return Content.assemble((f" {pressed}", style + key + click), (f" {name} ", style + click))
