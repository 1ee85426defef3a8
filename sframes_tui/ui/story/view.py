"""The story's pane: what is typed, split and planned; in a run, how far that is.

One tree shows both the plan of the next start and a run: what is edited while a run goes on is planned beside it.
"""

from dataclasses import dataclass
from typing import Self

from textual import on
from textual.app import ComposeResult
from textual.message import Message

from sframes_tui.config.document import Document
from sframes_tui.config.leave_out import LeftOut
from sframes_tui.config.values import Values
from sframes_tui.plan.draft import Draft
from sframes_tui.plan.plan import Plan
from sframes_tui.run.state import RunState
from sframes_tui.ui.commands import bindings
from sframes_tui.ui.dialogs.pattern_picker import PatternPicker
from sframes_tui.ui.dialogs.plan import PlanScreen
from sframes_tui.ui.framed_pane import FramedPane
from sframes_tui.ui.story.filter import StoryFilter
from sframes_tui.ui.story.frame_details import FrameDetails
from sframes_tui.ui.story.header import StoryHeader
from sframes_tui.ui.story.outline import Outline
from sframes_tui.ui.story.planner import StoryPlanner
from sframes_tui.ui.story.reader import Problem, Reading
from sframes_tui.ui.story.tree import StoryTree
from sframes_tui.ui.story.tree_rows import Row

RUNNING = ("loading", "drawing", "paused")


class StoryView(FramedPane):
    """Chapters and prompts; the plan that a start would draw, or a run."""

    BINDINGS = bindings("story")

    @dataclass
    class PromptHighlighted(Message):
        """The cursor is on another prompt, or on its chapter."""

        variant: int
        chapter: int
        prompt: int
        by_user: bool

    @dataclass
    class PromptOpened(Message):
        """Somebody wants to see a prompt's pictures."""

        variant: int
        chapter: int
        prompt: int

    @dataclass
    class LeaveOutChanged(Message):
        """Other chapters and prompts are to be left out."""

        leave_out: tuple[str, ...]

    @dataclass
    class PatternChosen(Message):
        """A ready regex is to be the value of an option."""

        path: str
        pattern: str

    def __init__(self) -> None:
        super().__init__(id="story")
        self.border_title = "Story"
        self._reading: Reading | None = None
        """The newest that was shown."""
        self.draft: Draft | None = None
        self.run_plan: Plan | None = None
        self._values_of_run: Values | None = None
        self._state = RunState()
        self._header, self._filter, self.story_tree = StoryHeader(), StoryFilter(), StoryTree()
        self._planner = StoryPlanner(self, lambda: self._filter.words)
        self._looked_at: Row | None = None

    def compose(self) -> ComposeResult:
        yield self._header
        yield self._filter
        yield self.story_tree

    def focus(self, scroll_visible: bool = True) -> Self:
        """The tree is what takes the keys."""
        self.story_tree.focus(scroll_visible)
        return self

    # The document.

    def show_document(self, document: Document) -> None:
        """Shows another document, once it is split and planned."""
        self.draft = None
        if self._values_of_run is None:
            self._values_of_run = document.current
        if self.run_plan and self._state.phase not in RUNNING and document.current != self._values_of_run:
            self.run_plan, self._state = None, RunState()
        self._planner.plan(document)

    @on(StoryPlanner.Read)
    def _show_reading(self, message: StoryPlanner.Read) -> None:
        message.stop()
        if message.reading.document is not self._planner.document:
            return
        self._reading = message.reading
        self._header.show_problem(message.reading.problem)
        if not self.run_plan:
            self._show_draft()

    @on(StoryPlanner.Planned)
    def _show_plan(self, message: StoryPlanner.Planned) -> None:
        reading = message.reading
        if reading is None or reading.document is not self._planner.document:
            message.stop()
            return
        self.draft = message.draft
        if message.problem and reading.story and reading.document.loaded:
            self._header.show_problem(Problem(message.problem))
        if not self.run_plan:
            self._show_draft()

    def _show_draft(self) -> None:
        """The newest story that could be split, with its plan where there is one."""
        reading = self._reading
        if reading is None or reading.story is None:
            return
        left_out = self.draft.config.prompt_config.leave_out if self.draft else reading.document.value(LEAVE_OUT)
        plan = self.draft.plan if self.draft else None
        outline = Outline(reading.story, _left_out(left_out), reading.variants, plan)
        query = self._filter.words
        self.story_tree.show(outline, reading.found if query == reading.query else None, query)
        self._header.show_draft(reading, self.draft)

    # The run.

    def show_run(self, plan: Plan) -> None:
        """Shows what a run draws, live or past; the cursor goes with it."""
        self.run_plan, self._state = plan, RunState()
        self._values_of_run = self._planner.document.current if self._planner.document else None
        self._header.show_problem(None)
        self.story_tree.following = True
        self.story_tree.show(Outline.of_plan(plan, self._state))
        self._header.show_run(plan, self._state)

    def show_state(self, state: RunState) -> None:
        """Marks and counts; costs as much as the lines in sight, however long the story is."""
        self._state = state
        if self.run_plan:
            self.story_tree.show_state(state)
            self._header.show_run(self.run_plan, state)
            self._tell_following()

    def follow(self) -> None:
        """The cursor goes with the run again."""
        self.story_tree.follow()
        self._tell_following()

    def _tell_following(self) -> None:
        running = self.run_plan is not None and self._state.phase in RUNNING
        following = "follows the run" if self.story_tree.following else "f follows the run"
        self.show_subtitle(following if running else "")

    # The cursor.

    def go_to(self, variant: int, chapter: int, prompt: int) -> None:
        """Puts the cursor on a prompt that a person looks at elsewhere; nothing is told of it."""
        if self.story_tree.outline:
            self._looked_at = self.story_tree.outline.row(variant, chapter, prompt)
            self.story_tree.go_to(self._looked_at)

    @on(StoryTree.Highlighted)
    def _tell_highlighted(self, message: StoryTree.Highlighted) -> None:
        message.stop()
        self._tell_following()
        looked_at, self._looked_at = self._looked_at, None
        outline = self.story_tree.outline
        if message.row != looked_at and outline is not None and outline.has(message.row):
            self.post_message(self.PromptHighlighted(*outline.prompt_of(message.row), message.by_user))

    @on(StoryTree.Opened)
    def _tell_opened(self, message: StoryTree.Opened) -> None:
        message.stop()
        outline = self.story_tree.outline
        if outline is not None and outline.has(message.row):
            self.post_message(self.PromptOpened(*outline.prompt_of(message.row)))

    def action_go_to_failed(self, step: int) -> None:
        self._filter.close()
        if not self.story_tree.go_to_failed(step):
            self.notify("No picture has failed.")

    def action_follow(self) -> None:
        self.follow()

    # The filter.

    def action_find(self) -> None:
        self._filter.open()

    def action_clear_filter(self) -> None:
        """Escape: all prompts again, the cursor where it is."""
        self._filter.close()
        self.story_tree.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's
        """Escape is this pane's only while there is a filter."""
        return action != "clear_filter" or self._filter.display

    @on(StoryFilter.Changed)
    def _look_for(self, message: StoryFilter.Changed) -> None:
        message.stop()
        outline = self.story_tree.outline
        if outline is not None and message.words.strip():
            self._planner.find(outline, message.words)
        else:
            self.post_message(StoryPlanner.Filtered("", None))

    @on(StoryFilter.Left)
    def _leave_filter(self, message: StoryFilter.Left) -> None:
        message.stop()
        self.story_tree.focus()

    @on(StoryPlanner.Filtered)
    def _show_found(self, message: StoryPlanner.Filtered) -> None:
        message.stop()
        if message.query.strip() == self._filter.words.strip():
            self.story_tree.show_found(message.found, message.query)
            self._filter.show_count(message.found)

    # Leaving out.

    def action_leave_out(self) -> None:
        """Space: leaves the prompt or chapter under the cursor out of the next start, or puts it back."""
        outline, document, row = self.story_tree.outline, self._planner.document, self.story_tree.selected
        if outline is None or document is None or row is None:
            return
        section, prompt = row
        left_out = _left_out(document.value(LEAVE_OUT)).toggled(
            outline.place(section)[1], prompt, outline.prompt_counts[section]
        )
        self.post_message(self.LeaveOutChanged(left_out.items()))
        if not self.run_plan:
            self.story_tree.show_left_out(left_out)
        elif self._state.phase in RUNNING:
            self.notify("This run goes on as it was begun; the next start will know.")

    # What can be looked at.

    def action_details(self) -> None:
        outline, row = self.story_tree.outline, self.story_tree.selected
        if outline is None or outline.plan is None:
            self.notify("There is no plan yet.")
        elif row is not None:
            self.app.push_screen(FrameDetails(outline, row))

    def action_plan(self) -> None:
        if self.run_plan:
            self.app.push_screen(PlanScreen(self.run_plan))
        elif self.draft:
            self.app.push_screen(PlanScreen(self.draft.plan, self.draft.text_file, self.draft.loaded.notes))
        else:
            self.notify("There is no plan yet.")

    def choose_pattern(self) -> None:
        """The ready regexes that match this text; choosing one sets the option."""
        document = self._planner.document
        if document is None:
            return

        def chosen(choice: tuple[str, str] | None) -> None:
            if choice:
                self.post_message(self.PatternChosen(*choice))

        self.app.push_screen(PatternPicker(lambda: self._planner.text(document), document), chosen)


LEAVE_OUT = "prompt_config.leave_out"


def _left_out(items: object) -> LeftOut:
    """What an option's value names; nothing where it is not valid."""
    try:
        return LeftOut.parse(items) if isinstance(items, list | tuple) else LeftOut()
    except (ValueError, TypeError):
        return LeftOut()
