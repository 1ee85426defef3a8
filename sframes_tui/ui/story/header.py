"""What stands above the story's tree: how much there is, remarks, what is wrong.

It keeps what it shows, since its words are broken into lines that depend on its width.
"""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from sframes_tui.plan.draft import Draft
from sframes_tui.plan.plan import Plan
from sframes_tui.run.state import RunState
from sframes_tui.ui.story.notes import notes, problem_text, run_summary, summary
from sframes_tui.ui.story.reader import Problem, Reading


class StoryHeader(Vertical):
    """A few lines, as many as there is to say."""

    DEFAULT_CSS = """
    StoryHeader { height: auto; }
    StoryHeader #story-summary { height: auto; }
    StoryHeader #story-notes { height: auto; max-height: 3; text-wrap: nowrap; text-overflow: ellipsis; }
    StoryHeader #story-problem {
        padding: 0 1; height: auto; max-height: 8; border-left: thick $error; background: $error 10%;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[Reading, Draft | None] | tuple[Plan, RunState] | None = None
        self._problem: Problem | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="story-summary", markup=False)
        yield Static(id="story-notes", markup=False)
        yield Static(id="story-problem", markup=False)

    def on_mount(self) -> None:
        self.query_one("#story-problem").display = False

    def show_draft(self, reading: Reading, draft: Draft | None) -> None:
        """How much there is to draw, and what to know of it."""
        self._shown = (reading, draft)
        remarks = notes(reading, draft)
        self._put("story-summary", summary(reading, draft, self._room))
        self._put("story-notes", remarks)
        self.query_one("#story-notes").display = bool(remarks.plain)

    def show_run(self, plan: Plan, state: RunState) -> None:
        """How far a run is."""
        self._shown = (plan, state)
        self._put("story-summary", run_summary(plan, state, self._room))
        self.query_one("#story-notes").display = False

    def show_problem(self, problem: Problem | None) -> None:
        """Why the newest document can't be split or planned; None where it can."""
        self._problem = problem
        self.query_one("#story-problem").display = problem is not None
        if problem:
            self._put("story-problem", problem_text(problem, self._room - 3))

    @property
    def _room(self) -> int:
        """Columns of a line."""
        return max(self.content_size.width, 12)

    def _put(self, part: str, content: Content) -> None:
        """Shows a text; the whole screen is laid out anew only if it may take another number of lines."""
        widget = self.query_one(f"#{part}", Static)
        before = str(widget.content)
        if before != content.plain:
            same_height = part != "story-problem" and before.count("\n") == content.plain.count("\n")
            widget.update(content, layout=not (same_height and before))

    def on_resize(self) -> None:
        self.show_problem(self._problem)
        match self._shown:
            case (Reading() as reading, draft) if not isinstance(draft, RunState):
                self.show_draft(reading, draft)
            case (Plan() as plan, RunState() as state):
                self.show_run(plan, state)
