"""The lines above and below the panes: whose settings these are, and the keys that matter now.

They stand on the first screen too, which is painted before anything else is loaded: they need next to nothing.
"""

from collections.abc import Iterator
from typing import ClassVar

from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.widget import Widget

from sframes_tui.printable import one_line
from sframes_tui.ui.commands import BY_ID, Command, shown_key

PANES = {"form": "Settings", "story": "Story", "pictures": "Pictures", "log": "Log"}
"""A pane's id and what people call it."""

LAST = ("palette", "help", "quit")
"""Always there, at the right end."""


def active_keys(screen: Screen[object]) -> dict[str, str]:
    """Command -> the key that it has now, for every command that can be given."""
    active = screen.active_bindings.values()
    return {each.binding.id: each.binding.key for each in active if each.enabled and each.binding.id in BY_ID}


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


class KeyBar(Widget):
    """One line. The focused pane's keys, those of the run, and at the right the way to all others."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-bar--key"}

    def __init__(self) -> None:
        super().__init__(id="keys")
        self.auto_links = False  # Keys can be clicked, but look like keys.
        self._conditions = frozenset({"always", "idle"})

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.refresh())

    def show_conditions(self, conditions: frozenset[str]) -> None:
        """What is the case now: values of `commands.When`."""
        if conditions | {"always"} != self._conditions:
            self._conditions = conditions | {"always"}
            self.refresh()

    def render(self) -> Content:
        """Keys from the left as long as there is room, then a gap, then the last ones."""
        shown = dict(self._shown())
        right = Content("  ").join(self._item(shown[each], BY_ID[each]) for each in LAST if each in shown)
        left, room = Content(""), self.size.width - right.cell_length - 2
        for name, key in shown.items():
            item = self._item(key, BY_ID[name]) + "  "
            if name not in LAST and left.cell_length + item.cell_length <= room:
                left += item
        return left.pad_right(max(0, room + 2 - left.cell_length)) + right

    def _shown(self) -> Iterator[tuple[str, str]]:
        """(command, key), those of the run first, then those of the focused pane."""
        active = active_keys(self.screen)
        wanted = [BY_ID[name] for name in active]
        wanted.sort(key=lambda command: command.scope != "main")
        for command in wanted:
            if command.footer and command.when in self._conditions:
                yield command.id, active[command.id]

    def _item(self, key: str, command: Command) -> Content:
        click = Style.from_meta({"@click": f"app.simulate_key({key!r})"})
        style = self.get_visual_style("key-bar--key")
        name = command.paused_name if command.paused_name and "paused" in self._conditions else command.name
        return Content.assemble((shown_key(key), style + click), (f" {name}", click))
