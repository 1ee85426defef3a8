"""A tree of chapters and prompts of any size: only the lines in sight are ever drawn.

Textual's own Tree makes an object of every prompt and lays all of them out at each change; this one counts lines
(`tree_rows`), asks what they say (`outline`) and has them drawn (`line`).
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from sframes_tui.config.leave_out import LeftOut
from sframes_tui.run.state import FAILED, RunState
from sframes_tui.ui.commands import bindings
from sframes_tui.ui.story.line import Line, PartStyles, draw_line
from sframes_tui.ui.story.outline import Look, Outline
from sframes_tui.ui.story.tree_rows import Found, Row, Rows

OPEN_AT_FIRST = 200
"""Prompts of a story that is shown unfolded."""
MARGIN = 2
"""Lines that stay in sight above and below the cursor."""


class StoryTree(ScrollView, can_focus=True):
    """Chapters and prompts with a cursor that goes with the run until a person moves it."""

    BINDINGS = bindings("tree")
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"story-tree--{part}" for part in ("cursor", "number", "title", "match", *(look.style for look in Look))
    }
    DEFAULT_CSS = """
    StoryTree { overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; height: 1fr; }
    StoryTree > .story-tree--cursor {
        background: $block-cursor-blurred-background; color: $block-cursor-blurred-foreground;
        text-style: $block-cursor-blurred-text-style;
    }
    StoryTree:focus > .story-tree--cursor {
        background: $block-cursor-background; color: $block-cursor-foreground; text-style: $block-cursor-text-style;
    }
    StoryTree > .story-tree--number { color: $text-muted; }
    StoryTree > .story-tree--title { text-style: bold; }
    StoryTree > .story-tree--match { text-style: bold underline; }
    StoryTree > .story-tree--planned { color: $text-muted; }
    StoryTree > .story-tree--begun { color: $success; }
    StoryTree > .story-tree--drawing { color: $accent; text-style: bold; }
    StoryTree > .story-tree--done { color: $success; }
    StoryTree > .story-tree--failed { color: $error; text-style: bold; }
    StoryTree > .story-tree--skipped { color: $warning; }
    StoryTree > .story-tree--stale { color: $warning; }
    StoryTree > .story-tree--left-out { color: $text-disabled; text-style: strike; }
    """

    following: reactive[bool] = reactive(True)
    """Whether the cursor goes with the run."""

    @dataclass
    class Highlighted(Message):
        """The cursor came to another row."""

        row: Row
        by_user: bool

    @dataclass
    class Opened(Message):
        """Enter or a double click on a prompt."""

        row: Row

    def __init__(self) -> None:
        super().__init__(id="tree")
        self.outline: Outline | None = None
        self.cursor = Row(0)
        self.query_words: tuple[str, ...] = ()
        self._rows = self._unfiltered = Rows.of(())
        self._drawn: dict[int, Line] = {}
        self._styles = PartStyles(self, "story-tree")
        self._opened_by_run: int | None = None

    # What is shown.

    def show(self, outline: Outline, found: Found | None = None, query: str = "") -> None:
        """Shows another story or plan, or what `query` found of it.

        Folds and cursor stay where the chapters are the same in number.
        """
        before = self.outline
        self.outline = outline
        same = before is not None and len(before.prompt_counts) == len(outline.prompt_counts)
        few = len(outline.story.chapters) == 1 or sum(outline.prompt_counts) <= OPEN_AT_FIRST
        self._unfiltered = Rows.of(outline.prompt_counts, self._unfiltered.folds if same else few)
        self._rows = self._unfiltered if found is None else Rows.filtered(found)
        self.query_words = tuple(query.casefold().split())
        if not outline.has(self.cursor):
            self.cursor = Row(min(self.cursor.section, max(len(outline.prompt_counts) - 1, 0)))
        self._lines_changed()
        self.post_message(self.Highlighted(self.cursor, by_user=False))

    def show_left_out(self, left_out: LeftOut) -> None:
        """Shows what else is left out at once; the plan for it is still to come."""
        if self.outline is not None:
            self.outline = replace(self.outline, left_out=left_out, plan=None)
            self.refresh()

    def show_state(self, state: RunState) -> None:
        """Redraws the lines in sight whose look this changes, and follows the run."""
        if self.outline is None or self.outline.plan is None:
            return
        self.outline = self.outline.with_state(state)
        for line, drawn in list(self._drawn.items()):
            if self._line(line) != drawn:
                self.refresh_line(line)
        if self.following:
            self._go_to_run()

    def show_found(self, found: Found | None, query: str = "") -> None:
        """Shows only what was found; all rows again for None."""
        if found is None and self._rows is self._unfiltered:
            return
        self._rows = self._unfiltered if found is None else Rows.filtered(found)
        self.query_words = tuple(query.casefold().split())
        if found is None and self.cursor.prompt is not None:
            self._rows.set_open(self.cursor.section, True)
        elif self._rows.line(self.cursor) is None and len(self._rows):
            self._move_to(self._rows.at(min(1, len(self._rows) - 1)), by_user=True)
        self._lines_changed()

    def _lines_changed(self) -> None:
        self._drawn.clear()
        size = Size(0, len(self._rows))
        if self.show_vertical_scrollbar == (size.height > self.scrollable_content_region.height):
            # As a reactive it would have the whole screen laid out anew, at each fold and each key of a filter.
            self.set_reactive(StoryTree.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = size.height
            self.scroll_y = self.validate_scroll_y(self.scroll_y)
        else:
            self.virtual_size = size
        self._show_cursor()
        self.refresh()

    # Drawing.

    def render_line(self, y: int) -> Strip:
        number = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        if self.outline is None or number >= len(self._rows):
            return Strip.blank(width, self._styles())
        line = self._drawn[number] = self._line(number)
        segments = draw_line(line, width, self._styles)
        return Strip([Segment(text, style) for text, style in segments]).adjust_cell_length(width, self._styles())

    def _line(self, number: int) -> Line:
        assert self.outline is not None
        row = self._rows.at(number)
        return Line.of(self.outline, row, self._rows.is_open(row.section), row == self.cursor, self.query_words)

    def notify_style_update(self) -> None:
        """Another theme, or the focus came or went."""
        super().notify_style_update()
        self._styles.clear()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self._drawn.clear()

    # The cursor.

    @property
    def selected(self) -> Row | None:
        """The row under the cursor; None while nothing is shown, or a filter hides it."""
        return self.cursor if self.outline and self._rows.line(self.cursor) is not None else None

    def go_to(self, row: Row, *, by_user: bool = True) -> None:
        """Puts the cursor on a row and unfolds its chapter; one that is filtered out is passed over."""
        if self.outline is None or not self.outline.has(row):
            return
        if self._rows.line(row) is None and self._rows.prompt_place(row) is not None:
            self._rows.set_open(row.section, True)
            self._move_to(row, by_user)
            self._lines_changed()
        elif self._rows.line(row) is not None:
            self._move_to(row, by_user)

    def _move_to(self, row: Row, by_user: bool) -> None:
        if by_user:
            self.following = False
        if row == self.cursor:
            return
        for changed in (self._rows.line(self.cursor), self._rows.line(row)):
            if changed is not None:
                self.refresh_line(changed)
        self.cursor = row
        self._show_cursor()
        self.post_message(self.Highlighted(row, by_user))

    def _show_cursor(self) -> None:
        line = self._rows.line(self.cursor)
        height = self.scrollable_content_region.height
        if line is None or not height:
            return
        top, margin = self.scroll_offset.y, min(MARGIN, (height - 1) // 2)
        wanted = max(min(top, line - margin), line + margin - height + 1)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False, force=True)

    # The run.

    def follow(self) -> None:
        """Lets the cursor go with the run again."""
        self.following = True
        self._go_to_run()

    def _go_to_run(self) -> None:
        row = self.outline.at_run if self.outline else None
        if row is None or row == self.cursor:
            return
        if self._opened_by_run not in (None, row.section):
            self._rows.set_open(self._opened_by_run or 0, False)
            self._opened_by_run = None
            self._lines_changed()
        if not self._rows.is_open(row.section):
            self._opened_by_run = row.section
        self.go_to(row, by_user=False)

    def go_to_failed(self, step: int) -> bool:
        """To the next (`step` 1) or previous (-1) prompt with a failed picture; False where there is none."""
        row = self.outline.next_with(FAILED, self.cursor, step) if self.outline else None
        if row is None:
            return False
        self.show_found(None)
        self.go_to(row)
        return True

    # Keys and mouse.

    def action_move(self, lines: int) -> None:
        if len(self._rows):
            line = (self._rows.line(self.cursor) or 0) + lines
            self._move_to(self._rows.at(min(max(line, 0), len(self._rows) - 1)), by_user=True)

    def action_move_pages(self, pages: int) -> None:
        self.action_move(pages * max(self.scrollable_content_region.height - 1, 1))

    def action_move_to_end(self, end: int) -> None:
        self.action_move(end * len(self._rows))

    def action_fold(self) -> None:
        if self.selected is None:
            return
        if self.cursor.prompt is not None:
            self._move_to(Row(self.cursor.section), by_user=True)
        elif self._rows.is_open(self.cursor.section):
            self._set_open(self.cursor.section, False)

    def action_unfold(self) -> None:
        if self.cursor.prompt is None and self._rows.is_open(self.cursor.section):
            self.action_move(1)
        elif self.cursor.prompt is None:
            self._set_open(self.cursor.section, True)

    def action_fold_all(self) -> None:
        is_open = not self._rows.all_open
        self._rows.set_all_open(is_open)
        if not is_open:
            self._move_to(Row(self.cursor.section), by_user=True)
        self._lines_changed()

    def action_open(self) -> None:
        if self.selected is not None and self.cursor.prompt is None:
            self._set_open(self.cursor.section, not self._rows.is_open(self.cursor.section))
        elif self.selected is not None:
            self.post_message(self.Opened(self.cursor))

    def _set_open(self, section: int, is_open: bool) -> None:
        self._rows.set_open(section, is_open)
        if self.cursor.section == section and not is_open:
            self._move_to(Row(section), by_user=True)
        self._opened_by_run = None if self._opened_by_run == section else self._opened_by_run
        self._lines_changed()

    def on_click(self, event: events.Click) -> None:
        """On a chapter's arrow folds it, elsewhere moves the cursor; a second click opens."""
        number = event.y + self.scroll_offset.y
        if not 0 <= number < len(self._rows):
            return
        row = self._rows.at(number)
        self._move_to(row, by_user=True)
        if event.chain == 2 or (row.prompt is None and event.x < 2):
            self.action_open()

    def on_resize(self) -> None:
        self._lines_changed()
