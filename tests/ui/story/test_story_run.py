"""A run in the story's tree: states, counts, the cursor that follows, failed pictures."""

import pytest
from rich.color import ColorSystem

from sframes_tui.run.events import RunCancelled, RunStarted
from sframes_tui.run.frame_events import (
    FrameCompleted,
    FrameFailed,
    FrameProgress,
    FrameSkipped,
    FramesStale,
    FrameStarted,
)
from sframes_tui.run.state import Marks, RunState, fold
from sframes_tui.ui.story.outline import Look
from sframes_tui.ui.story.tree import StoryTree
from sframes_tui.ui.story.tree_rows import Row
from sframes_tui.ui.story.view import StoryView
from sframes_tui.ui.themes import SHIPPED, load_themes
from tests.ui.conftest import until
from tests.ui.story.test_view import Pane

pytestmark = pytest.mark.asyncio


class Run(Pane):
    """A pane that is shown a run's events."""

    def begin(self, kept=()):
        self.plan, self.state = self.view.draft.plan, RunState()
        self.view.show_run(self.plan)
        self.tell(RunStarted(self.document.path.parent, len(self.plan.frames), self.plan.steps, tuple(kept)))

    def tell(self, *events):
        for event in events:
            self.state = fold(self.state, event, 1.0)
        self.view.show_state(self.state)

    def start(self, number):
        self.tell(FrameStarted(number, self.plan.name(self.plan.frames[number]), "a prompt", 4))

    def complete(self, number):
        self.tell(FrameCompleted(number, self.document.path, 1.0))

    def fail(self, number):
        self.tell(FrameFailed(number, self.plan.name(self.plan.frames[number]), "spoiled", 4))


@pytest.fixture
def run(config):
    return Run(config)


async def test_prompts_and_chapters_carry_their_states_and_counts(run):
    async with run.run_test() as pilot:
        await run.planned(pilot)
        run.begin()
        assert [line[:5] for line in run.lines()] == ["▾ 0 C", "· 0-0", "· 0-1", "▾ 1 C", "· 1-0"]
        run.start(0)
        assert run.lines()[1].startswith("◐ 0-0")
        assert run.lines()[0].endswith("0/4 ◐")
        run.complete(0)
        assert run.lines()[1].startswith("◔ 0-0")
        run.start(1)
        run.complete(1)
        run.start(2)
        run.fail(2)
        run.tell(FrameSkipped(4, "oil 1-0", "its base failed", 4))
        assert [line[:5] for line in run.lines()] == ["▾ 0 C", "✓ 0-0", "✗ 0-1", "▾ 1 C", "» 1-0"]
        assert run.lines()[0].endswith("2/4 ✗")
        run.tell(FramesStale((0, 1)))
        assert run.lines()[1].startswith("↻ 0-0")
        assert run.text("summary") == "2 of 6 pictures done · 1 failed · 1 skipped"


async def test_what_was_kept_counts_as_done(run):
    async with run.run_test() as pilot:
        await run.planned(pilot)
        run.begin(kept=range(4))
        assert run.lines()[0].endswith("4/4 ✓")
        assert run.lines()[3].endswith("0/2")
        assert "4 of 6" in run.text("summary")


async def test_every_state_has_a_glyph_and_a_colour_also_in_16_colours(run):
    async with run.run_test() as pilot:
        await run.planned(pilot)
        assert len({look.value for look in Look}) == len(Look)
        themes, _ = load_themes([SHIPPED])
        for theme in themes:
            run.register_theme(theme)
            run.theme = theme.name
            await pilot.pause()
            styles = [run.view.story_tree._styles(look.style) for look in (Look.DRAWING, Look.DONE, Look.FAILED)]
            depth = ColorSystem.STANDARD if theme.name == "sixteen" else ColorSystem.EIGHT_BIT
            assert len({style.color.downgrade(depth) for style in styles}) == 3, theme.name


async def test_the_cursor_follows_the_run_until_it_is_moved_and_one_key_gives_it_back(run):
    async with run.run_test() as pilot:
        await run.planned(pilot)
        tree = run.view.story_tree
        run.begin()
        run.start(2)
        assert tree.cursor == Row(0, 1)
        await until(pilot, lambda: run.last(StoryView.PromptHighlighted).prompt == 1)
        assert not run.last(StoryView.PromptHighlighted).by_user
        assert run.view.border_subtitle == "follows the run"
        await pilot.press("home")
        run.complete(2)
        run.start(4)
        assert tree.cursor == Row(0)
        await until(pilot, lambda: run.view.border_subtitle == "f follows the run")
        await pilot.press("f")
        assert tree.cursor == Row(1, 0)
        run.complete(4)
        run.tell(RunCancelled(None, 2, 4))
        assert run.view.border_subtitle == ""


async def test_following_unfolds_the_chapter_that_is_drawn_and_folds_it_behind_the_run(run):
    async with run.run_test() as pilot:
        await run.planned(pilot)
        run.begin()
        run.view.story_tree.action_fold_all()
        run.view.follow()
        run.start(0)
        assert [line[:3] for line in run.lines()] == ["▾ 0", "◐ 0", "· 0", "▸ 1"]
        run.complete(0)
        run.start(4)
        assert [line[:3] for line in run.lines()] == ["▸ 0", "▾ 1", "◐ 1"]


async def test_failed_pictures_are_gone_to_by_key_also_out_of_a_filter(run):
    async with run.run_test() as pilot:
        await run.planned(pilot)
        run.begin()
        run.fail(2)
        run.fail(5)
        await pilot.press("home", "n")
        assert run.view.story_tree.cursor == Row(0, 1)
        await pilot.press("n")
        assert run.view.story_tree.cursor == Row(1, 0)
        await pilot.press("n")
        assert run.view.story_tree.cursor == Row(0, 1)
        await pilot.press("slash", *"tree", "enter")
        await until(pilot, lambda: run.text("count") == "1 found")
        await pilot.press("N")
        await until(pilot, lambda: len(run.lines()) == 5)
        assert run.view.story_tree.cursor == Row(0, 1)


async def test_progress_draws_no_line_again_and_a_state_only_those_that_it_changes(run):
    async with run.run_test() as pilot:
        await run.planned(pilot)
        run.begin()
        run.view.story_tree.following = False
        run.start(0)
        await pilot.pause(0.1)
        refreshed = []
        refresh_line = StoryTree.refresh_line

        class Watched(StoryTree):
            def refresh_line(self, y):
                refreshed.append(y)
                refresh_line(self, y)

        run.view.story_tree.__class__ = Watched
        run.tell(FrameProgress(0, 1, 4))
        assert refreshed == []
        run.complete(0)
        assert refreshed == [0, 1]


async def test_an_edit_after_the_run_shows_the_story_as_it_would_be_drawn_next(run):
    async with run.run_test() as pilot:
        await run.planned(pilot)
        run.begin()
        run.set("style_configs.0.style", "in pastel")
        await run.planned(pilot)
        assert run.lines()[0].endswith("0/4")
        run.tell(RunCancelled(None, 0, 6))
        run.view.show_document(run.document)
        await run.planned(pilot)
        assert run.view.run_plan is None
        assert not run.lines()[0].endswith("0/4")


async def test_a_run_of_many_variants_says_which(run):
    async with run.run_test() as pilot:
        await run.planned(pilot)
        run.set("generation_config.variants", 3)
        await run.planned(pilot)
        assert [line[:13] for line in run.lines() if line[0] in "▸▾"][2:4] == ["▾ variant 1 ·"] * 2
        run.begin()
        run.start(6)
        assert run.view.story_tree.cursor == Row(2, 0)
        await until(pilot, lambda: run.last(StoryView.PromptHighlighted).variant == 1)


async def test_marks_of_another_plan_never_break_the_tree(run):
    async with run.run_test() as pilot:
        await run.planned(pilot)
        run.begin()
        run.view.show_state(RunState("drawing", frames=2, marks=Marks.planned(2)))
        run.view.show_state(RunState("failed", error="[/red]"))
        assert run.lines()[0].startswith("▾ 0 Chapter 1")


async def test_states_show_also_after_the_wheel(run, config):
    (config.parent / "story.txt").write_text("Chapter 1\n" + "\n".join(f"prompt {each}" for each in range(60)))
    async with run.run_test(size=(60, 16)) as pilot:
        await run.planned(pilot)
        run.begin()
        tree = run.view.story_tree
        tree.following = False
        tree.scroll_to(y=3.6, animate=False)
        await pilot.pause()
        tree.scroll_to(y=4.3, animate=False)
        await pilot.pause()
        run.start(16)
        assert 4 + 5 in tree._drawn
        assert tree._dirty_regions
