"""Where a prompt's pictures come from: base, strength, steps, seed, and what is sent to the model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static

from sframes_tui.plan.identity import Identities
from sframes_tui.plan.plan import Frame, Plan
from sframes_tui.plan.plan_text import describe_base
from sframes_tui.printable import counted, one_line, printable
from sframes_tui.ui.story.outline import Look, Outline
from sframes_tui.ui.story.tree_rows import Row

WORDS = {
    Look.PLANNED: "planned",
    Look.BEGUN: "begun",
    Look.DRAWING: "being drawn",
    Look.DONE: "done",
    Look.FAILED: "failed",
    Look.SKIPPED: "skipped: what it starts from was not drawn",
    Look.STALE: "stale: what it starts from was drawn again",
    Look.LEFT_OUT: "left out",
}


class FrameDetails(ModalScreen[None]):
    """All of a prompt's frames, or a chapter's sums."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "close", "Close")]
    DEFAULT_CSS = """
    FrameDetails > .dialog { padding: 0 1; }
    FrameDetails VerticalScroll { scrollbar-size-vertical: 1; }
    FrameDetails #details { margin: 0; }
    """

    @dataclass
    class Identified(Message):
        """The plan's identities are worked out."""

        identities: Sequence[str]

    def __init__(self, outline: Outline, row: Row) -> None:
        super().__init__()
        self._outline, self._row = outline, row

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as box:
            box.border_title = "Chapter" if self._row.prompt is None else "Prompt"
            box.border_subtitle = "esc closes"
            with VerticalScroll():
                yield Static(details(self._outline, self._row), id="details", markup=False)

    def on_mount(self) -> None:
        if self._row.prompt is not None and self._outline.plan is not None:
            self._identify(self._outline.plan)

    @work(thread=True, exit_on_error=False, description="identify")
    def _identify(self, plan: Plan) -> None:
        """They depend on all bases before, which takes a second for a long story."""
        identities = Identities(plan, plan.config.generation_config.model)
        self.post_message(self.Identified(identities.all()))

    @on(Identified)
    def _show_identities(self, message: Identified) -> None:
        self.query_one("#details", Static).update(details(self._outline, self._row, message.identities))

    def action_close(self) -> None:
        self.dismiss()


def details(outline: Outline, row: Row, identities: Sequence[str] = ()) -> Content:
    """All that is known of a row, for a person; foreign text literally."""
    lines = _chapter_lines(outline, row) if row.prompt is None else _prompt_lines(outline, row, identities)
    return Content("\n").join(lines)


def _chapter_lines(outline: Outline, row: Row) -> Iterator[Content]:
    plan, frames = outline.plan, outline.frames(row)
    chapter = outline.place(row.section)[1]
    yield Content.styled(f"{chapter}  {one_line(outline.text(row)) or '(no title)'}", "bold")
    yield _field("prompts", _prompts(outline.prompt_counts[row.section], outline.left(row.section)))
    if plan is not None:
        steps = sum(plan.frames[number].steps for number in frames)
        yield _field("pictures", f"{len(frames):,}, in {counted(steps, 'step')}")
    yield _field("state", WORDS[outline.look(row)])


def _prompts(count: int, left: int) -> str:
    return f"{count:,}" + (f", {left:,} of them left out" if left else "")


def _prompt_lines(outline: Outline, row: Row, identities: Sequence[str]) -> Iterator[Content]:
    chapter = outline.place(row.section)[1]
    yield Content.styled(f"{chapter}-{row.prompt}  of {one_line(outline.text(Row(row.section)), 60)}", "$text-muted")
    yield Content.styled(printable(outline.text(row)), "bold")
    if outline.plan is None or not (frames := outline.frames(row)):
        yield _field("state", WORDS[outline.look(row)])
    else:
        marks = outline.marks(row) or bytes(len(frames))
        for number, mark in zip(frames, marks, strict=False):
            yield Content("")
            yield from _frame_lines(outline.plan, outline.plan.frames[number], Look.of(bytes([mark])), identities)


def _frame_lines(plan: Plan, frame: Frame, look: Look, identities: Sequence[str]) -> Iterator[Content]:
    style = look.name.lower()
    yield Content.assemble((plan.name(frame), "bold $accent"), f"  {look.value} ", (WORDS[look], STYLES.get(style, "")))
    yield _field("sent", f"{plan.prompt(frame)} {plan.style_text(frame)}".strip())
    yield _field("from", describe_base(plan, frame).removeprefix("from "))
    yield _field("steps", f"{frame.steps} of {plan.config.generation_config.num_inference_steps}")
    yield _field("seed", str(plan.frame_seed(frame)))
    yield _field("identity", identities[frame.number] if identities else "…")


STYLES = {"done": "$success", "failed": "$error", "skipped": "$warning", "stale": "$warning"}


def _field(name: str, value: str) -> Content:
    return Content.assemble((f"  {name:<9}", "$text-muted"), printable(value))
