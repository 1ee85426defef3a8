"""The table of styles as lines of text."""

from collections.abc import Iterator
from itertools import accumulate

from textual.content import Content

from sframes_tui.config.document import Document
from sframes_tui.printable import one_line

COLUMNS = ("enabled", "file_tag", "weight", "style")
TITLES = ("on", "tag", "weight", "style")
CURSOR = "$block-cursor-foreground on $block-cursor-background bold"


Place = tuple[int | None, str]
"""What stands on a line: a style by its number, or what is wrong with it; None is the heading, or what is wrong with
the whole."""


def widths(document: Document, width: int) -> tuple[int, ...]:
    """Columns of each cell in a table `width` wide; the style's text takes what is left."""
    longest = max([3, *(len(one_line(str(style.get("file_tag", "")))) for style in document.styles)])
    tag = min(longest, max(6, (width - 15) // 3))
    return 2, tag, 6, max(4, width - 2 - 2 - tag - 6 - 3)


def starts(document: Document, width: int) -> tuple[int, ...]:
    """The column at which each cell begins."""
    return tuple(accumulate((each + 1 for each in widths(document, width)[:-1]), initial=2))


def places(document: Document) -> list[Place]:
    """Line by line: the heading, each style and below it what is wrong with it, what is wrong with the whole."""
    found: list[Place] = [(None, "")]
    for at in range(len(document.styles)):
        found += [(at, ""), *((at, problem) for problem in _problems(document, at))]
    problem = document.problems.get("style_configs")
    return [*found, (None, problem)] if problem else found


def line_content(document: Document, place: Place, width: int, cursor: tuple[int, int] | None) -> Content:
    """One line of the table, at most `width` wide. `cursor` is (style, column)."""
    at, problem = place
    if problem:
        return Content.styled(f"  ✗ {one_line(problem)}", "$text-error").truncate(width, ellipsis=True)
    cells = widths(document, width)
    if at is None:
        heading = " ".join(title[:room].ljust(room) for title, room in zip(TITLES, cells, strict=True))
        return Content.styled(f"  {heading}", "$text-muted")
    return _row(document, at, cells, cursor[1] if cursor and cursor[0] == at else None)


def _row(document: Document, at: int, cells: tuple[int, ...], column: int | None) -> Content:
    style = document.styles[at]
    enabled = style.get("enabled", True)
    changed = any(path.startswith(f"style_configs.{at}.") for path in document.changed)
    mark = ("● ", "$text-warning") if changed or f"style_configs.{at}" in document.changed else "  "
    parts: list[Content | tuple[str, str] | str] = [mark]
    for number, (key, room) in enumerate(zip(COLUMNS, cells, strict=True)):
        text = ("◉" if enabled else "○") if key == "enabled" else one_line(_shown(style.get(key)))
        cell = Content(text).truncate(room, ellipsis=True, pad=True)
        parts.append(cell.stylize(_colour(document, at, key, number == column, bool(enabled))))
        parts.append(" ")
    return Content.assemble(*parts)


def _shown(value: object) -> str:
    return "" if value is None else str(value)


def _colour(document: Document, at: int, key: str, under_cursor: bool, enabled: bool) -> str:
    if under_cursor:
        return CURSOR
    if f"style_configs.{at}.{key}" in document.problems:
        return "$text-error"
    if not enabled:
        return "$text-muted"
    return "$text-success" if key == "enabled" else ""


def _problems(document: Document, at: int) -> Iterator[str]:
    place = f"style_configs.{at}"
    for path, problem in document.problems.items():
        if path == place or path.startswith(f"{place}."):
            key = path.removeprefix(place).removeprefix(".")
            yield f"{key}: {problem}" if key else problem
