"""What the rows of a story's tree say: titles, prompts, and how far a run has come with them.

An outline is a value: the tree compares the lines of two of them, and draws anew only those that differ.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property

from sframes_tui.config.leave_out import LeftOut
from sframes_tui.plan.plan import Frame, Plan
from sframes_tui.run.state import DONE, DRAWING, FAILED, SKIPPED, STALE, RunState
from sframes_tui.text.split import Story
from sframes_tui.ui.story.tree_rows import Found, Row


class Look(Enum):
    """How a prompt or chapter stands; the value is its glyph."""

    PLANNED = "·"
    BEGUN = "◔"
    DRAWING = "◐"
    DONE = "✓"
    FAILED = "✗"
    SKIPPED = "»"
    STALE = "↻"
    LEFT_OUT = "−"

    @property
    def style(self) -> str:
        """What a style sheet calls it."""
        return self.name.lower().replace("_", "-")

    @classmethod
    def of(cls, marks: bytes) -> "Look":
        """The look of what has these frames' marks, of which at least one stands."""
        for mark, look in TELLING:
            if mark in marks:
                return look
        done = marks.count(DONE)
        return cls.DONE if done == len(marks) else cls.BEGUN if done else cls.PLANNED


NOTHING = LeftOut()

TELLING = ((DRAWING, Look.DRAWING), (FAILED, Look.FAILED), (STALE, Look.STALE), (SKIPPED, Look.SKIPPED))
"""Marks of single frames that whatever they belong to shows, the most telling first."""


@dataclass(frozen=True)
class Outline:
    """A story with what is known of its drawing; a section is a chapter of one variant."""

    story: Story
    left_out: LeftOut = NOTHING
    variants: int = 1
    plan: Plan | None = None
    """None while the story is not planned."""
    state: RunState | None = None
    """None before a run."""

    @classmethod
    def of_plan(cls, plan: Plan, state: RunState | None = None) -> "Outline":
        left_out = LeftOut.parse(plan.config.prompt_config.leave_out)
        return cls(plan.story, left_out, plan.config.generation_config.variants, plan, state)

    def with_state(self, state: RunState) -> "Outline":
        return replace(self, state=state)

    @cached_property
    def prompt_counts(self) -> tuple[int, ...]:
        """Of each section."""
        return self.story.prompt_counts * self.variants

    def place(self, section: int) -> tuple[int, int]:
        """Variant and chapter of a section."""
        return divmod(section, len(self.story.chapters))

    def row(self, variant: int, chapter: int, prompt: int | None) -> Row:
        return Row(variant * len(self.story.chapters) + chapter, prompt)

    def has(self, row: Row) -> bool:
        return row.section < len(self.prompt_counts) and (row.prompt or 0) < self.prompt_counts[row.section]

    def row_of(self, frame: Frame) -> Row:
        return self.row(frame.variant, frame.chapter, frame.prompt)

    @property
    def at_run(self) -> Row | None:
        """Where the run is, or was last; None where none has begun."""
        if self.plan is None or self.state is None:
            return None
        frame = self.state.in_flight[0].frame if self.state.in_flight else self.state.landed
        return None if frame is None else self.row_of(self.plan.frames[frame])

    def text(self, row: Row) -> str:
        """A chapter's title or a prompt: untrusted."""
        chapter = self.story.chapters[self.place(row.section)[1]]
        return chapter.title if row.prompt is None else chapter.prompts[row.prompt]

    def left(self, section: int) -> int:
        """How many prompts of a section are left out."""
        return self.left_out.prompts(self.place(section)[1], self.prompt_counts[section])

    def is_left_out(self, row: Row) -> bool:
        if row.prompt is None:
            return self.left(row.section) == self.prompt_counts[row.section]
        return (self.place(row.section)[1], row.prompt) in self.left_out

    def prompt_of(self, row: Row) -> tuple[int, int, int]:
        """Variant, chapter and prompt of a row; a chapter stands for its first prompt that is drawn."""
        if row.prompt is not None:
            return (*self.place(row.section), row.prompt)
        prompts = range(self.prompt_counts[row.section])
        drawn = (each for each in prompts if not self.is_left_out(Row(row.section, each)))
        return (*self.place(row.section), next(drawn, 0))

    def frames(self, row: Row) -> range:
        """Numbers of the frames of a prompt or of a section's prompts."""
        if self.plan is None or self.is_left_out(row):
            return range(0)
        frames = self.plan.chapter_frames(*self.place(row.section))
        first, styles = frames[0].number, len(self.plan.tags)
        if row.prompt is None:
            return range(first, first + len(frames))
        before = row.prompt - self.left_out.prompts(self.place(row.section)[1], row.prompt)
        return range(first + before * styles, first + (before + 1) * styles)

    def marks(self, row: Row) -> bytes:
        """Of the row's frames; empty where no run draws them."""
        if self.state is None:
            return b""
        frames = self.frames(row)
        return self.state.marks.between(frames.start, frames.stop)

    def look(self, row: Row) -> Look:
        if self.is_left_out(row):
            return Look.LEFT_OUT
        return Look.of(marks) if (marks := self.marks(row)) else Look.PLANNED

    def next_with(self, mark: int, row: Row, step: int) -> Row | None:
        """The nearest row after (`step` 1) or before (-1) this one with a frame of that mark, going round the end."""
        if self.plan is None or self.state is None:
            return None
        everything = self.state.marks.between(0, len(self.plan.frames))
        frames = self.frames(row)
        if step > 0:
            at = frames.stop if row.prompt is not None else frames.start
            found = everything.find(mark, at)
            found = everything.find(mark) if found < 0 else found
        else:
            found = everything.rfind(mark, 0, frames.start)
            found = everything.rfind(mark) if found < 0 else found
        return None if found < 0 else self.row_of(self.plan.frames[found])


FoldedStory = Sequence[tuple[str, Sequence[str]]]
"""Title and prompts of each chapter, their letter case taken out."""


def fold_case(story: Story) -> FoldedStory:
    """A story made ready for `search`."""
    return [(each.title.casefold(), [prompt.casefold() for prompt in each.prompts]) for each in story.chapters]


def search(folded: FoldedStory, variants: int, query: str, given_up: Callable[[], bool] = lambda: False) -> Found:
    """The prompts that hold every word of `query`, in any case; a chapter whose title does is found whole.

    A word such as `4-7` finds the prompt of that number. Returns what was found so far once `given_up` says so.
    """
    words = query.casefold().split()
    chapters: list[int] = []
    prompts: list[Sequence[int]] = []
    for number, (title, texts) in enumerate(folded):
        if given_up():
            break
        found = range(len(texts)) if all(word in title for word in words) else _matching(number, texts, words)
        if found:
            chapters.append(number)
            prompts.append(found)
    sections = [variant * len(folded) + chapter for variant in range(variants) for chapter in chapters]
    return Found(sections, prompts * variants)


def _matching(chapter: int, texts: Sequence[str], words: list[str]) -> Sequence[int]:
    if len(words) == 1 and words[0].startswith(f"{chapter}-"):
        number = words[0].removeprefix(f"{chapter}-")
        if number.isdecimal() and int(number) < len(texts):
            return [int(number)]
    found: Sequence[int] = range(len(texts))
    for word in words:
        found = [each for each in found if word in texts[each]]
    return found
