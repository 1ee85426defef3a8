"""The styles as a table that is edited in place, however many they are.

It draws its lines itself and has one field, put over the cell that is edited: a widget a cell would be too many.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.actions import SkipAction
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.visual import Visual
from textual.widget import Widget

from sframes_tui.config.document import Document
from sframes_tui.config.option_text import stepped
from sframes_tui.config.options import Option, options
from sframes_tui.ui.commands import bindings
from sframes_tui.ui.settings.fields import FieldLeft, NumberField, TextField
from sframes_tui.ui.settings.style_lines import COLUMNS, line_content, places, starts, widths

Change = Callable[[Document], Document]


class StyleTable(Widget, can_focus=True):
    """A line for each style. The cursor is on one cell; a field is put over the cell that is edited."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("styles")
    ALLOW_SELECT = False
    DEFAULT_CSS = """
    StyleTable { height: auto; }
    StyleTable > Input { position: absolute; }
    """

    @dataclass
    class CellShown(Message):
        """The cursor came to a cell."""

        option: Option
        path: str

    def __init__(self, document: Document, ask: Callable[[Change], None]) -> None:
        """`ask` takes what a person wants changed, and shows the table its new document at once."""
        super().__init__()
        self._ask = ask
        self.document = document
        self.cursor = (0, COLUMNS.index("style"))
        """(style, column)"""
        self._places = places(document)
        self._options = {each.key: each for each in options() if each.section == "style_configs"}
        self._editor: TextField | None = None
        self._before: Any = None

    @property
    def path(self) -> str:
        """Of the value under the cursor."""
        return f"style_configs.{self.cursor[0]}.{COLUMNS[self.cursor[1]]}"

    def show_document(self, document: Document) -> None:
        """The cursor stays within the styles; a field above a cell goes where they are other ones."""
        before, self.document = self.document, document
        self.cursor = (min(self.cursor[0], max(len(document.styles) - 1, 0)), self.cursor[1])
        if len(before.styles) != len(document.styles):
            self._leave()
        if self._editor is not None:
            self._editor.show_value(document.value(self._editor.path))
        lines = places(document)
        if lines != self._places:
            self._places = lines
            self.refresh(layout=True)
        elif widths(before, self.size.width) != widths(document, self.size.width) or before.saved is not document.saved:
            self.refresh()
        else:
            pairs = zip(before.styles, document.styles, strict=True)
            self._draw_anew(at for at, (old, new) in enumerate(pairs) if old is not new)

    def focus_cell(self, at: int, key: str) -> None:
        """Puts the cursor on a value of a style."""
        self._leave()
        self.cursor = (max(0, min(at, len(self.document.styles) - 1)), COLUMNS.index(key) if key in COLUMNS else 3)
        self.focus()
        self._show_cursor()

    # What it looks like.

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - Textual's
        return len(self._places)

    def render_line(self, y: int) -> Strip:
        """Only lines in sight are asked for, and of them those that were refreshed."""
        width = max(self.size.width, 20)
        cursor = self.cursor if self.has_focus_within else None
        content = line_content(self.document, self._places[y], width, cursor) if y < len(self._places) else Content("")
        (strip,) = Visual.to_strips(self, content, self.size.width, 1, self.visual_style, pad=True)
        return strip

    def _draw_anew(self, styles: Iterable[int]) -> None:
        """Draws their lines anew, and no others."""
        regions = [Region(0, self._places.index((at, "")), self.size.width, 1) for at in styles]
        if regions:
            self.refresh(*regions)

    @property
    def _line(self) -> int:
        """Where the cursor's style stands."""
        return next((number for number, (style, _) in enumerate(self._places) if style == self.cursor[0]), 0)

    def on_focus(self) -> None:
        self._show_cursor()

    def on_blur(self) -> None:
        self.refresh()

    def _show_cursor(self) -> None:
        self.refresh()
        self.post_message(self.CellShown(self._options[COLUMNS[self.cursor[1]]], self.path))
        scroller = next((each for each in self.ancestors if isinstance(each, VerticalScroll)), None)
        if scroller is not None and self.size.width:
            top = self.region.y - scroller.region.y + round(scroller.scroll_y) + self._line
            scroller.scroll_to_region(Region(0, top, 1, 2), animate=False)

    # Keys.

    def keeps(self, by: int) -> bool:
        """Whether up (-1) or down (1) stays within the table."""
        return 0 <= self.cursor[0] + by < len(self.document.styles)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a cell is edited, most keys are its field's."""
        sideways = action == "walk" and parameters[:1] == (0,)
        return not self._editing or (action in ("walk", "cancel") and not sideways)

    def action_walk(self, down: int, right: int) -> None:
        row, column = self.cursor[0] + down, self.cursor[1] + right
        if not 0 <= row < len(self.document.styles):
            raise SkipAction
        self._leave()
        self.cursor = (row, max(0, min(column, len(COLUMNS) - 1)))
        self._show_cursor()

    def action_edit(self) -> None:
        if self.document.styles and COLUMNS[self.cursor[1]] == "enabled":
            self.action_switch()
        elif self.document.styles:
            self._open()

    def action_cancel(self) -> None:
        if self._editor is None or not self._editing:
            raise SkipAction
        path, before = self._editor.path, self._before
        self._leave()
        self._ask(lambda document: document.with_value(path, before))

    def action_add(self) -> None:
        at = min(self.cursor[0] + 1, len(self.document.styles))
        self._ask(lambda document: document.with_style(at))
        self.cursor = (at, COLUMNS.index("style"))
        self._open()

    def action_copy(self) -> None:
        if self.document.styles:
            at = self.cursor[0]
            self._ask(lambda document: document.with_style_copied(at))
            self.cursor = (at + 1, self.cursor[1])
            self.call_after_refresh(self._show_cursor)

    def action_delete(self) -> None:
        if self.document.styles:
            at = self.cursor[0]
            self._ask(lambda document: document.without_style(at))

    def action_switch(self) -> None:
        if self.document.styles:
            path = f"style_configs.{self.cursor[0]}.enabled"
            on = self.document.value(path) is not False
            self._ask(lambda document: document.with_value(path, False if on else None))

    def action_move(self, by: int) -> None:
        at, to = self.cursor[0], self.cursor[0] + by
        if 0 <= to < len(self.document.styles):
            self._leave()
            self._ask(lambda document: document.with_style_moved(at, to))
            self.cursor = (to, self.cursor[1])
            self.call_after_refresh(self._show_cursor)

    def action_step(self, steps: int) -> None:
        """Of the weight, wherever in its row the cursor is."""
        if self.document.styles:
            path = f"style_configs.{self.cursor[0]}.weight"
            value = stepped(self._options["weight"], self.document.value(path), steps)
            self._ask(lambda document: document.with_value(path, value))

    def on_click(self, event: Click) -> None:
        style = self._places[event.y][0] if event.y < len(self._places) else None
        if style is None or self._editing:
            return
        left = starts(self.document, self.size.width)
        cell = (style, max(at for at, x in enumerate(left) if x <= max(event.x, left[0])))
        again, self.cursor = cell == self.cursor, cell
        self._show_cursor()
        if again or COLUMNS[cell[1]] == "enabled":
            self.action_edit()

    # The field above a cell.

    def _open(self) -> None:
        width, column = self.size.width, self.cursor[1]
        left, room = starts(self.document, width)[column], widths(self.document, width)[column]
        if column == COLUMNS.index("style"):
            # A text has the whole line where its cell is small.
            left, room = (left, width - left) if room >= 40 else (2, width - 2)
        kind = NumberField if COLUMNS[column] == "weight" else TextField
        field = kind(self._options[COLUMNS[column]], self.path)
        self._before = self.document.value(self.path)
        field.show_value(self._before)
        field.styles.offset = (left, self._line)
        field.styles.width = max(room, 12)
        self._editor = field
        self.mount(field)
        # At once, so that keys typed ahead go into the field.
        self.screen.set_focus(field, scroll_visible=False)
        self._show_cursor()

    @property
    def _editing(self) -> bool:
        return self._editor is not None and self.screen.focused is self._editor

    def _leave(self) -> None:
        """The field goes once it has told all that was typed into it."""
        if self._editing:
            self.screen.set_focus(self, scroll_visible=False)

    def on_field_left(self, message: FieldLeft) -> None:
        """Also when something else takes the focus."""
        if message.submitted:
            self._leave()
        else:
            self._editor = None if message.field is self._editor else self._editor
            message.field.remove()
