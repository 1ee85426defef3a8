"""What stands above the story's tree: counts, remarks, and what is wrong. Styled text, no widget.

Everything quoted here is foreign text: it becomes content literally, never as markup.
"""

from rich.cells import cell_len
from textual.content import Content

from sframes_tui.errors import Note
from sframes_tui.plan.draft import Draft
from sframes_tui.plan.plan import Plan
from sframes_tui.printable import one_line
from sframes_tui.run.state import RunState
from sframes_tui.ui.commands import BY_ID, shown_keys
from sframes_tui.ui.story.reader import Problem, Reading

SHOWN_NOTES = 3


def summary(reading: Reading, draft: Draft | None, width: int) -> Content:
    """How much there is: chapters and prompts, and once it is planned, pictures and steps."""
    story = reading.story
    if story is None:
        return Content("")
    counts = [_counted(len(story.chapters), "chapter"), _counted(story.prompt_count, "prompt")]
    if draft is not None:
        counts += [_counted(len(draft.plan.frames), "picture"), _counted(draft.plan.steps, "step")]
    return Content.assemble((_flowing(counts, width), "bold"), "\n", (_matches(reading, width), "$text-muted"))


def outlook(draft: Draft | None, problem: str) -> str:
    """What a start would draw, or why it can't, on one line."""
    if draft is None:
        return one_line(problem)
    plan = draft.plan
    counts = {"chapter": len(plan.story.chapters), "picture": len(plan.frames), "step": plan.steps}
    return " · ".join(_counted(count, word) for word, count in counts.items())


def run_summary(plan: Plan, state: RunState, width: int) -> Content:
    """How far a run is."""
    counts = [f"{state.kept + state.drawn:,} of {_counted(len(plan.frames), 'picture')} done"]
    counts += [f"{count:,} {word}" for count, word in ((state.failed, "failed"), (state.skipped, "skipped")) if count]
    return Content.styled(_flowing(counts, width), "bold")


def _matches(reading: Reading, width: int) -> str:
    story = reading.story
    assert story is not None
    by_regex = reading.document.value("prompt_config.chapter_split_regex") is not None
    found = [*([_counted(story.headings, "heading")] if by_regex else []), _counted(story.separators, "break")]
    return _flowing([f"matched: {found[0]}", *found[1:]], width)


def notes(reading: Reading, draft: Draft | None) -> Content:
    """The first remarks on the reading and planning, warnings before the rest, one a line."""
    found: list[Note] = [*(reading.story.notes if reading.story else ()), *(draft.plan.notes if draft else ())]
    found.sort(key=lambda note: note.level != "warning")
    shown = found if len(found) <= SHOWN_NOTES else found[: SHOWN_NOTES - 1]
    lines = [_note(each) for each in shown]
    if len(found) > len(shown):
        lines.append(Content.styled(f"and {len(found) - len(shown)} more remarks: see the plan", "$text-muted"))
    return Content("\n").join(lines)


def _note(note: Note) -> Content:
    mark, style = ("▲", "$warning") if note.level == "warning" else ("•", "$text-muted")
    return Content.assemble((f"{mark} ", style), (one_line(note.text), style))


def problem_text(problem: Problem, width: int) -> Content:
    """What is wrong, for a pane of `width` columns; a broken regex with a caret under the place."""
    lines = [Content.styled(one_line(problem.sentence, 1000), "$error")]
    if problem.pattern:
        pattern, caret = _caret(problem.pattern, problem.at, max(width, 8))
        lines += [Content(pattern), Content.styled(f"{' ' * caret}▲", "$error bold")]
    if "regex" in problem.sentence:
        lines.append(Content.styled(f"{shown_keys(BY_ID['patterns'])} shows ready regexes that match", "$text-muted"))
    return Content("\n").join(lines)


def _caret(pattern: str, at: int, width: int) -> tuple[str, int]:
    """The part of a pattern around a place, in at most `width` columns, and the column of the place."""
    before, after = _visible(pattern[:at]), _visible(pattern[at:])
    if cell_len(before) > width - 2:
        before = "…" + _last_cells(before, width - 3)
    return before + _first_cells(after, width - cell_len(before)), cell_len(before)


def _visible(pattern: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in pattern)


def _first_cells(text: str, cells: int) -> str:
    while cell_len(text) > cells:
        text = text[: max(cells, len(text) // 2)] if len(text) > cells else text[:-1]
    return text


def _last_cells(text: str, cells: int) -> str:
    text = text[-cells:]
    while cell_len(text) > cells:
        text = text[1:]
    return text


def _flowing(parts: list[str], width: int) -> str:
    """The parts one after the other, on as many lines as they need: none is broken in two."""
    lines = parts[:1]
    for part in parts[1:]:
        joined = f"{lines[-1]} · {part}"
        lines[-1:] = [joined] if len(joined) <= width else [lines[-1], part]
    return "\n".join(lines)


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"
