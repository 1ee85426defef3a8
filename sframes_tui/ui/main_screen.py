"""The main screen: three panes, a log and a foot, and the wires between them.

Panes don't know each other: they take data by method and speak by messages, and this screen passes both on. What is
done with runs is its presenter's; the screen is what that shows them in.
"""

from collections.abc import Callable
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import DescendantFocus
from textual.screen import Screen

from sframes_tui.config.document import Document
from sframes_tui.plan.draft import Draft
from sframes_tui.plan.plan import Frame, Plan
from sframes_tui.run.events import Event, Level, RunStarted
from sframes_tui.run.frame_events import FrameCompleted, FrameProgress
from sframes_tui.run.record.past_run import CONFIG as RUN_CONFIG
from sframes_tui.run.state import RunState
from sframes_tui.ui.bars import PANES, KeyBar, TitleBar
from sframes_tui.ui.commands import BREAKPOINTS, bindings
from sframes_tui.ui.dialogs.allowing import allowed_draft
from sframes_tui.ui.log_pane import LogPane
from sframes_tui.ui.opening import Opening
from sframes_tui.ui.pictures.pane import PicturePane
from sframes_tui.ui.pictures.screens import ChapterGrid, OnePicture
from sframes_tui.ui.pictures.terminal_page import TerminalPage
from sframes_tui.ui.run_presenter import RunPresenter
from sframes_tui.ui.settings.form import ConfigForm
from sframes_tui.ui.status_line import StatusLine
from sframes_tui.ui.story.notes import outlook
from sframes_tui.ui.story.planner import StoryPlanner
from sframes_tui.ui.story.view import StoryView

LEFT = ("form", "story")
"""Panes that share a column where there are two: the one that was in front last is seen."""


class MainScreen(Screen[None]):
    """Settings, story, pictures and log: side by side where there is room, behind each other where there isn't."""

    BINDINGS = bindings("main")
    CSS_PATH = "main.tcss"

    def __init__(self, opening: Opening, document: Document) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = BREAKPOINTS
        self._opening = opening
        self.runs = RunPresenter(self, view=self, opening=opening)
        self.session = self.runs.session
        self.document = document
        self.draft: Draft | None = None
        """What a start would draw; None while it isn't known, or can't be."""
        self._problem, self._start_wanted = "", False

    def compose(self) -> ComposeResult:
        yield TitleBar()
        with Horizontal(id="panes"):
            yield ConfigForm(self.document)
            yield StoryView()
            with Vertical(id="right"):
                yield PicturePane(self._opening.terminal)
                yield LogPane()
        yield StatusLine()
        yield KeyBar()

    def on_mount(self) -> None:
        self._bring_to_front("form")
        self._show_document()
        if self._opening.folder is None:
            self._start_wanted = self._opening.resume
            self.query_one(StoryView).show_document(self.document)
        else:
            self.call_after_refresh(self.action_show, "pictures")
        self.show_state(self.session.state)
        self.runs.begin()

    def on_unmount(self) -> None:
        self.runs.stop_preparing()

    # The settings and the plan they give.

    @on(ConfigForm.Edited)
    def take_document(self, message: ConfigForm.Edited) -> None:
        """What was edited is planned for the next start, also while the story goes on showing a run."""
        self.document, self.draft = message.document, None
        self._show_document()
        self.query_one(StoryView).show_document(self.document)

    def _show_document(self) -> None:
        path, title = self.document.path, self.document.title
        # Of a run's own settings the folder says more than the file.
        name = f"{path.absolute().parent.name}/{title}" if path and title == RUN_CONFIG else title
        self.query_one(TitleBar).show_document(name, self.document.unsaved)
        self.query_one(PicturePane).use_protocol(self._opening.protocol or _protocol(self.document))
        self._show_conditions()

    @on(StoryPlanner.Planned)
    def take_plan(self, message: StoryPlanner.Planned) -> None:
        self.draft, self._problem = message.draft, message.problem
        self.query_one(StatusLine).show_outlook(outlook(message.draft, message.problem))
        if self.draft is not None and not self.session.running:
            self.query_one(PicturePane).show_plan(self.draft.plan, _nowhere)
            self.runs.prepare(self.draft.model)
        if self._start_wanted:
            self._start_wanted = False
            self.action_start()

    # The run.

    def action_start(self) -> None:
        """Starts what is set up, or says why that can't be."""
        if self.session.running:
            self.runs.refuse("A run is under way already: pause it or stop it first.")
        elif self.document.problems:
            self._point_at_problem()
        elif self.draft is None and self._problem:
            self.runs.refuse(self._problem)
        elif self.draft is None:
            self._start_wanted = True
            self.query_one(StoryView).show_document(self.document)
        else:
            self.run_worker(self._ask_and_start(self.draft), exclusive=True, group="start")

    def _point_at_problem(self) -> None:
        """Names the first field that is wrong, and goes there."""
        self.runs.refuse(f"Can't start: {self.document.problem}")
        self.action_show("form")
        self.query_one(ConfigForm).focus_option(next(iter(self.document.problems)))

    async def _ask_and_start(self, draft: Draft) -> None:
        if (allowed := await allowed_draft(self.app, draft)) is not None:
            # A start without a seed of its own draws other pictures the next time.
            self.draft = None
            self.query_one(StoryView).show_run(allowed.plan)
            self.runs.start(allowed)
            if self.has_class("-narrow"):
                self.action_show("pictures")

    def action_pause(self) -> None:
        self.runs.steer(self.session.pause_or_resume)

    def action_finish(self) -> None:
        self.runs.steer(self.session.finish)

    def action_stop(self) -> None:
        self.runs.steer(self.session.stop)

    def action_let_go(self) -> None:
        self.runs.let_go()

    def action_runs(self) -> None:
        self.runs.choose()

    def action_resume(self) -> None:
        self.runs.resume()

    def action_redraw(self) -> None:
        if (frame := self.query_one(PicturePane).frame) is not None:
            self.runs.redraw(frame)

    # How the run goes.

    def tell(self, level: Level, line: str) -> None:
        self.query_one(LogPane).add(level, line)

    def show_run(self, plan: Plan, locate: Callable[[Frame], Path]) -> None:
        self.query_one(StoryView).show_run(plan)
        self.query_one(PicturePane).show_plan(plan, locate)

    def show_event(self, event: Event) -> None:
        match event:
            case FrameProgress(frame=frame, preview=preview) if preview is not None:
                self.query_one(PicturePane).show_preview(frame, preview)
            case FrameCompleted(frame=frame, path=path):
                self.query_one(PicturePane).picture_saved(frame, path)
            case RunStarted():
                self.query_one(StoryView).follow()

    def show_state(self, state: RunState) -> None:
        self.query_one(StatusLine).show_state(state, self.session.facts)
        self.query_one(StoryView).show_state(state)
        self.query_one(PicturePane).show_state(state)
        self._show_conditions()

    def _show_conditions(self) -> None:
        """The footer offers what can be done now."""
        changed = {"changed"} if self.document.unsaved else set()
        begun = {"begun"} if self.session.state.phase in ("cancelled", "failed") and not self.session.running else set()
        self.query_one(KeyBar).show_conditions(self.session.conditions | changed | begun)

    # What is looked at.

    @on(StoryView.PromptHighlighted)
    def show_prompt(self, message: StoryView.PromptHighlighted) -> None:
        self.query_one(PicturePane).show_prompt(message.variant, message.chapter, message.prompt)

    @on(PicturePane.PromptWanted)
    def go_to_prompt(self, message: PicturePane.PromptWanted) -> None:
        self.query_one(StoryView).go_to(message.variant, message.chapter, message.prompt)

    @on(StoryView.LeaveOutChanged)
    def leave_out(self, message: StoryView.LeaveOutChanged) -> None:
        self.query_one(ConfigForm).set_value("prompt_config.leave_out", list(message.leave_out) or None)

    def action_patterns(self) -> None:
        """Ready regexes, also while one is typed among the settings."""
        self.query_one(StoryView).choose_pattern()

    @on(StoryView.PatternChosen)
    def use_pattern(self, message: StoryView.PatternChosen) -> None:
        self.query_one(ConfigForm).set_value(message.path, message.pattern)

    @on(StoryView.PromptOpened)
    def open_prompt(self, message: StoryView.PromptOpened) -> None:
        self.query_one(PicturePane).show_prompt(message.variant, message.chapter, message.prompt)
        self.action_show("pictures")

    def action_full(self) -> None:
        if (pane := self.query_one(PicturePane)).frame is not None:
            self.app.push_screen(OnePicture(pane))

    def action_grid(self) -> None:
        if (pane := self.query_one(PicturePane)).frame is not None:
            self.app.push_screen(ChapterGrid(pane))

    def action_terminal(self) -> None:
        self.app.push_screen(TerminalPage(self.query_one(PicturePane).canvas))

    def action_show(self, pane: str) -> None:
        """Brings a pane to the front and gives it the focus."""
        self._bring_to_front(pane)
        if self.focused is None or self.query_one(f"#{pane}") not in self.focused.ancestors_with_self:
            self._focus_first(pane)

    def _focus_first(self, pane: str) -> None:
        """The pane's widget that had the focus last, or its first."""
        inside = [each for each in self.query(f"#{pane}, #{pane} *") if each.focusable]
        if inside:
            self.set_focus(inside[0])

    def _bring_to_front(self, pane: str) -> None:
        marks = {each: {"-front": each == pane} for each in PANES}
        marks["right"] = {"-front": pane in ("pictures", "log")}
        if pane in LEFT:
            for each in LEFT:
                marks[each]["-left"] = each == pane
        panes = [(self.query_one(f"#{each}"), of_pane) for each, of_pane in marks.items()]
        changed = [
            (each, of_pane) for each, of_pane in panes if any(each.has_class(m) != on for m, on in of_pane.items())
        ]
        # The panes alone, not the hundreds of widgets in them: no style within a pane depends on its marks.
        self.app.stylesheet.update_nodes(each.update_classes(of_pane, update=False) for each, of_pane in changed)
        self.query_one(TitleBar).show_front(pane)

    @on(DescendantFocus)
    def follow_focus(self, event: DescendantFocus) -> None:
        for widget in event.widget.ancestors_with_self:
            if widget.id in PANES:
                self._bring_to_front(widget.id)

    def action_save(self) -> None:
        self.query_one(ConfigForm).save()


def _protocol(document: Document) -> str:
    """How the settings want pictures to be shown in the terminal."""
    hidden = document.value("generation_config.preview") in (False, "off")
    return "off" if hidden else str(document.value("generation_config.preview_protocol"))


def _nowhere(_: object) -> Path:
    """Where the pictures of a plan are that nobody has drawn."""
    return Path("not drawn yet")
