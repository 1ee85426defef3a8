"""One line of a story's tree: what it says, and the styled pieces of text that say it.

Chapter titles and prompts are foreign text: they are shown literally, and no more of them than fits.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from textual.widget import Widget

from sframes_tui.printable import one_line
from sframes_tui.run.state import DONE
from sframes_tui.ui.story.outline import Look, Outline
from sframes_tui.ui.story.tree_rows import Row

Piece = tuple[str, Style]

LOOKED_AT = 6
"""Characters of a text that are looked at for each column of the screen: accents and the like take no column."""
ROOM_FOR_PROMPTS = 44
"""Columns from which on a chapter's line shows the number of its prompts besides that of its pictures."""


@dataclass(frozen=True, slots=True)
class Line:
    """All that a line's picture depends on, so that two alike need not be drawn twice."""

    row: Row
    number: str
    text: str
    look: Look
    counts: tuple[str, ...]
    """From the left; those on the left go first where there is no room."""
    is_open: bool
    is_cursor: bool
    words: tuple[str, ...]
    """What a filter looked for."""

    @classmethod
    def of(cls, outline: Outline, row: Row, is_open: bool, is_cursor: bool, words: tuple[str, ...]) -> "Line":
        variant, chapter = outline.place(row.section)
        number = str(chapter) if row.prompt is None else f"{chapter}-{row.prompt}"
        if row.prompt is None and outline.variants > 1:
            number = f"variant {variant} · {number}"
        if row.prompt is not None:
            number = number.rjust(len(f"{chapter}-{outline.prompt_counts[row.section] - 1}"))
        counts = _counts(outline, row) if row.prompt is None else ()
        return cls(row, number, outline.text(row), outline.look(row), counts, is_open, is_cursor, words)


def _counts(outline: Outline, row: Row) -> tuple[str, ...]:
    """A chapter's prompts, of them those that are drawn, and in a run its pictures: done and all."""
    prompts = outline.prompt_counts[row.section]
    left = outline.left(row.section)
    count = f"{prompts - left:,} of {prompts:,}" if 0 < left < prompts else f"{prompts:,}"
    marks = outline.marks(row)
    return (count, f"{marks.count(DONE):,}/{len(marks):,}") if marks else (count,)


class PartStyles:
    """A widget's style with those of named parts over it, its component classes; Textual takes long to work one out."""

    def __init__(self, widget: Widget, prefix: str) -> None:
        """`prefix` is what the names of its component classes begin with."""
        self._widget, self._prefix = widget, prefix
        self._known: dict[tuple[str, ...], Style] = {}

    def __call__(self, *parts: str) -> Style:
        if parts not in self._known:
            self._known[parts] = sum((self._own(part) for part in parts), self._widget.rich_style)
        return self._known[parts]

    def _own(self, part: str) -> Style:
        """What a part adds; its colour is that on the widget's background, which "auto" colours depend on."""
        name, styles = f"{self._prefix}--{part}", self._widget.get_component_rich_style
        whole, own = styles(name), styles(name, partial=True)
        return whole if part == "cursor" else own + Style(color=whole.color if own.color else None)

    def clear(self) -> None:
        """The styles are others now."""
        self._known.clear()


def draw_line(line: Line, width: int, style_of: Callable[..., Style]) -> Iterator[Piece]:
    """The pieces of a line of `width` columns; `style_of` gives the style of the parts that it is told the names of."""
    over = ("cursor",) if line.is_cursor else ()
    dimmed = ("left-out",) if line.look is Look.LEFT_OUT else ()
    title = ("title",) if line.row.prompt is None else ()
    glyph = (line.look.value, style_of(*(() if line.is_cursor else (line.look.style,)), *over))
    quiet = style_of("number", *dimmed, *over)
    if line.row.prompt is None:
        left: list[Piece] = [(f"{'▾' if line.is_open else '▸'} {line.number} ", quiet)]
        right = [(_fitting_counts(line, width), quiet), *(() if line.look is Look.PLANNED else (glyph,)), (" ", quiet)]
    else:
        left, right = [("  ", quiet), glyph, (f" {line.number} ", quiet)], [(" ", quiet)]
    room = max(width - sum(cell_len(text) for text, _ in (*left, *right)), 0)
    parts = (*title, *dimmed, *over)
    yield from left
    yield from _with_matches(_cut(line.text, room), line.words, style_of(*parts), style_of(*parts, "match"))
    yield from right


def _fitting_counts(line: Line, width: int) -> str:
    """The counts at a chapter's right end, without those that there is no room for."""
    if len(line.counts) == 1:
        return f" {line.counts[0]}"
    prompts, pictures = line.counts
    return f" {prompts}  {pictures:>9} " if width >= ROOM_FOR_PROMPTS else f" {pictures} "


def _cut(text: str, cells: int) -> str:
    """A text in exactly so many columns, an ellipsis where it goes on."""
    flat = one_line(text[: LOOKED_AT * cells + 1]) or "(no title)"
    if len(text) <= LOOKED_AT * cells and cell_len(flat) <= cells:
        return set_cell_size(flat, cells)
    return set_cell_size(set_cell_size(flat, max(cells - 1, 0)).rstrip() + "…", cells) if cells else ""


def _with_matches(text: str, words: tuple[str, ...], plain: Style, match: Style) -> Iterator[Piece]:
    """The text in pieces, those that a filter looked for in a style of their own."""
    lowered = text.lower()
    if not words or len(lowered) != len(text):
        yield text, plain
        return
    at = 0
    while found := _next_match(lowered, words, at):
        start, end = found
        yield text[at:start], plain
        yield text[start:end], match
        at = end
    yield text[at:], plain


def _next_match(text: str, words: tuple[str, ...], at: int) -> tuple[int, int] | None:
    starts = [(start, start + len(word)) for word in words if word and (start := text.find(word, at)) >= 0]
    return min(starts, default=None)
