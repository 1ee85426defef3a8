"""The story's pane with real keys: live splitting, patterns, filter, leaving out, plan and details."""

import pytest
from textual.app import App
from textual.content import Content
from textual.widgets import OptionList, Static

from sframes_tui.config.document import Document
from sframes_tui.plan.identity import Identities
from sframes_tui.ui.dialogs.pattern_picker import PatternPicker
from sframes_tui.ui.dialogs.plan import PlanScreen, TextLines
from sframes_tui.ui.story.frame_details import FrameDetails
from sframes_tui.ui.story.planner import StoryPlanner
from sframes_tui.ui.story.tree import StoryTree
from sframes_tui.ui.story.tree_rows import Row
from sframes_tui.ui.story.view import StoryView
from tests.ui.conftest import until

pytestmark = pytest.mark.asyncio

CHAPTERS, PROMPTS = "prompt_config.chapter_split_regex", "prompt_config.prompt_split_regex"


class Pane(App):
    """A story's pane on its own, that does with its messages what the main screen does."""

    CSS = "StoryView { width: 60; }"

    def __init__(self, path):
        super().__init__()
        self.document, self.seen = Document.open(path), []

    def compose(self):
        yield StoryView()

    def on_mount(self):
        self.view.show_document(self.document)
        self.view.focus()

    @property
    def view(self):
        return self.screen_stack[0].query_one(StoryView)

    def set(self, path, value):
        self.document = self.document.with_value(path, value)
        self.view.show_document(self.document)

    def on_story_planner_planned(self, message):
        self.seen.append(message)

    def on_story_view_prompt_highlighted(self, message):
        self.seen.append(message)

    def on_story_view_prompt_opened(self, message):
        self.seen.append(message)

    def on_story_view_leave_out_changed(self, message):
        self.set("prompt_config.leave_out", list(message.leave_out))

    def on_story_view_pattern_chosen(self, message):
        self.set(message.path, message.pattern)

    @property
    def plans(self):
        return [each for each in self.seen if isinstance(each, StoryPlanner.Planned)]

    def last(self, kind):
        return next((each for each in reversed(self.seen) if isinstance(each, kind)), None)

    def lines(self):
        """What the tree shows, line by line, without the blanks around it."""
        tree = self.view.story_tree
        return [text for y in range(tree.size.height) if (text := tree.render_line(y).text.strip())]

    def text(self, part):
        widget = self.screen_stack[0].query_one(f"#story-{part}", Static)
        content = widget.content
        return str(content.plain if isinstance(content, Content) else content) if widget.display else ""

    async def planned(self, pilot):
        """Waits for the plan of the newest document, told to the screen too."""
        await until(pilot, lambda: self.view.draft and any(each.draft is self.view.draft for each in self.plans))
        await pilot.pause()


@pytest.fixture
def pane(config):
    return Pane(config)


async def test_a_story_is_split_planned_and_counted(pane):
    async with pane.run_test() as pilot:
        await pane.planned(pilot)
        assert [line.split()[0:2] for line in pane.lines()] == [
            ["▾", "0"],
            ["·", "0-0"],
            ["·", "0-1"],
            ["▾", "1"],
            ["·", "1-0"],
        ]
        assert "Chapter 1 The Sea" in pane.lines()[0]
        assert pane.lines()[0].endswith("2")
        assert pane.text("summary") == (
            "2 chapters · 3 prompts · 6 pictures · 16 steps\nmatched: 2 headings · 5 breaks"
        )
        assert pane.plans[-1].draft.plan.steps == 16


async def test_typing_a_regex_splits_anew_and_the_newest_wins(pane):
    async with pane.run_test() as pilot:
        await pane.planned(pilot)
        for end in range(1, len("The (Sea|Hill)") + 1):
            pane.set(CHAPTERS, "The (Sea|Hill)"[:end])
        await pane.planned(pilot)
        assert [line for line in pane.lines() if line[0] in "▸▾"][1].startswith("▾ 1 The Hill")
        draft = pane.plans[-1].draft
        assert draft.config.prompt_config.chapter_split_regex == "The (Sea|Hill)"
        assert pane.text("problem") == ""


async def test_a_broken_regex_shows_where_it_breaks_and_keeps_the_last_story(pane):
    async with pane.run_test() as pilot:
        await pane.planned(pilot)
        before = pane.lines()
        pane.set(CHAPTERS, "Chapter (\\d+")
        await until(pilot, lambda: pane.text("problem"))
        sentence, pattern, caret, hint = pane.text("problem").split("\n")
        assert hint == "^g shows ready regexes that match"
        assert sentence == "chapter_split_regex: missing )"
        assert pattern == "Chapter (\\d+"
        assert caret.index("▲") == len("Chapter (\\d+")
        assert pane.lines() == before
        await until(pilot, lambda: pane.plans[-1].problem == "chapter_split_regex: missing )")
        pane.set(CHAPTERS, "Chapter (\\d+)")
        await pane.planned(pilot)
        assert pane.text("problem") == ""


async def test_a_regex_that_matches_nothing_offers_others_and_a_pattern_is_taken_by_key(pane):
    async with pane.run_test() as pilot:
        await pane.planned(pilot)
        pane.set(CHAPTERS, "Canto")
        await until(pilot, lambda: "these would match" in pane.text("problem"))
        pane.view.choose_pattern()
        await until(pilot, lambda: isinstance(pane.screen, PatternPicker) and pane.screen.query("#looking"))
        options = pane.screen.query_one(OptionList)
        await until(pilot, lambda: options.option_count >= 4)
        first = str(options.get_option_at_index(1).prompt)
        assert "Chapter 1" in first
        assert "2 matches" in first
        assert "Chapter 1 The Sea" in first
        await pilot.press("enter")
        await pane.planned(pilot)
        assert pane.document.value(CHAPTERS) == r"(?im)^[ \t]*chapter[ \t]*\d+"
        assert pane.text("problem") == ""


async def test_an_invalid_option_elsewhere_still_splits_but_gives_no_plan(pane):
    async with pane.run_test() as pilot:
        await pane.planned(pilot)
        pane.set("generation_config.eta", 7.0)
        pane.set(PROMPTS, "[\n ]")
        await until(pilot, lambda: len(pane.lines()) == 12)
        await until(pilot, lambda: "generation_config.eta" in pane.plans[-1].problem)
        assert pane.plans[-1].draft is None


async def test_cursor_keys_fold_unfold_and_tell_of_the_prompt(pane):
    async with pane.run_test() as pilot:
        await pane.planned(pilot)
        tree = pane.view.story_tree
        await pilot.press("down", "down")
        assert tree.cursor == Row(0, 1)
        highlighted = await until(pilot, lambda: pane.last(StoryView.PromptHighlighted))
        assert (highlighted.chapter, highlighted.prompt, highlighted.by_user) == (0, 1, True)
        await pilot.press("left")
        assert tree.cursor == Row(0)
        await pilot.press("left")
        assert len(pane.lines()) == 3
        await pilot.press("e")
        assert len(pane.lines()) == 5
        await pilot.press("end")
        assert tree.cursor == Row(1, 0)
        await pilot.press("enter")
        opened = await until(pilot, lambda: pane.last(StoryView.PromptOpened))
        assert (opened.variant, opened.chapter, opened.prompt) == (0, 1, 0)
        await pilot.press("e", "home", "right", "right")
        assert tree.cursor == Row(0, 0)
        await pilot.press("pagedown", "pageup", "k", "j", "enter")
        assert pane.lines()[1].startswith("· 0-0")


async def test_the_mouse_moves_the_cursor_folds_and_opens(pane):
    async with pane.run_test() as pilot:
        await pane.planned(pilot)
        await pilot.click(StoryTree, offset=(10, 2))
        assert pane.view.story_tree.cursor == Row(0, 1)
        await pilot.click(StoryTree, offset=(10, 4), times=2)
        assert (await until(pilot, lambda: pane.last(StoryView.PromptOpened))).chapter == 1
        await pilot.click(StoryTree, offset=(0, 0))
        assert pane.lines()[0].startswith("▸ 0")


async def test_a_filter_is_live_keeps_the_place_and_escape_shows_all(pane):
    async with pane.run_test() as pilot:
        await pane.planned(pilot)
        await pilot.press("slash", *"a")
        await until(pilot, lambda: pane.text("count") == "3 found")
        await pilot.press("space", *"TREE"[:2].lower())
        await until(pilot, lambda: pane.text("count") == "1 found")
        assert [line[:5] for line in pane.lines()] == ["▾ 1 C", "· 1-0"]
        await pilot.press("enter")
        assert pane.focused is pane.view.story_tree
        await pilot.press("down", "escape")
        await until(pilot, lambda: len(pane.lines()) == 5)
        assert pane.view.story_tree.cursor == Row(1, 0)
        await pilot.press("slash", *"nowhere")
        await until(pilot, lambda: pane.text("count") == "0 found")
        await pilot.press("enter", "space", "enter", "left", "right", "down", "e", "d")
        assert pane.document.value("prompt_config.leave_out") is None
        assert pane.lines() == []
        await pilot.press("escape")
        await until(pilot, lambda: len(pane.lines()) == 5)


async def test_space_leaves_prompts_and_chapters_out_and_puts_them_back(pane):
    async with pane.run_test() as pilot:
        await pane.planned(pilot)
        await pilot.press("down", "space")
        assert pane.lines()[1].startswith("− 0-0")
        assert pane.lines()[0].endswith("1 of 2")
        await pane.planned(pilot)
        assert len(pane.view.draft.plan.frames) == 4
        await pilot.press("end", "left", "space")
        await pane.planned(pilot)
        assert pane.document.value("prompt_config.leave_out") == ["0-0", "1"]
        await pilot.press("home", "space")
        await until(pilot, lambda: "leave_out leaves nothing to draw" in pane.text("problem"))
        assert pane.document.value("prompt_config.leave_out") == ["0..1"]
        await pilot.press("space", "end", "left", "space")
        await pane.planned(pilot)
        assert pane.document.value("prompt_config.leave_out") == []
        assert len(pane.view.draft.plan.frames) == 6


async def test_the_plan_and_a_prompts_details_can_be_read(pane):
    async with pane.run_test(size=(100, 40)) as pilot:
        await pane.planned(pilot)
        await pilot.press("p")
        await until(pilot, lambda: isinstance(pane.screen, PlanScreen))
        lines = pane.screen.query_one(TextLines)
        await until(pilot, lambda: any("6 frames, 16 steps" in line for line in lines.lines))
        await pilot.press("end", "escape", "down", "down", "d")
        await until(pilot, lambda: isinstance(pane.screen, FrameDetails))
        plan = pane.view.draft.plan
        identity = Identities(plan, plan.config.generation_config.model).all()[3]
        await until(pilot, lambda: identity in str(pane.screen.query_one("#details", Static).content))
        shown = str(pane.screen.query_one("#details", Static).content)
        for said in ("a wave in oil", "chalk 0-0, strength 0.5", "2 of 4", str(plan.frame_seed(plan.frames[3]))):
            assert said in shown
        await pilot.press("escape", "left", "d")
        await until(pilot, lambda: isinstance(pane.screen, FrameDetails))
        assert "The Sea" in str(pane.screen.query_one("#details", Static).content)


HOSTILE = "[/red] [@click=app.quit]x[/] \x1b]52;c;aGk=\x07\x1b[31m \u202eevil\u202c 漢字 😀 " + "e\u0301" * 5000


async def test_hostile_text_is_shown_literally_in_every_place(config):
    (config.parent / "story.txt").write_text(f"{HOSTILE}\nChapter 1 {HOSTILE}\n{HOSTILE}\nb\n")
    pane = Pane(config)
    async with pane.run_test(size=(40, 24)) as pilot:
        await pane.planned(pilot)
        assert all("[/red] [@clic" in line for line in pane.lines()[:2])
        await pilot.press("slash", *"[/red", "enter", "down", "d")
        await until(pilot, lambda: isinstance(pane.screen, FrameDetails))
        assert "[@click=app.quit]x[/]" in str(pane.screen.query_one("#details", Static).content)
        await pilot.press("escape", "p")
        await until(pilot, lambda: isinstance(pane.screen, PlanScreen) and pane.screen.query_one(TextLines).lines)
        await pilot.press("escape")
        pane.view.choose_pattern()
        await until(pilot, lambda: isinstance(pane.screen, PatternPicker) and pane.screen.query("#looking"))
        await until(pilot, lambda: pane.screen.query_one(OptionList).option_count)
        pane.set(CHAPTERS, HOSTILE + "(")
        await until(pilot, lambda: pane.text("problem"))
        drawn = pane.text("problem") + pane.text("notes") + "".join(pane.lines())
        assert "\x1b" not in drawn
        assert "\u202e" not in drawn
        assert pane.is_running


async def test_a_narrow_pane_cuts_text_and_keeps_every_column(config):
    pane = Pane(config)
    pane.CSS = "StoryView { width: 20; }"
    async with pane.run_test(size=(80, 24)) as pilot:
        await pane.planned(pilot)
        tree = pane.view.story_tree
        widths = {tree.render_line(y).cell_length for y in range(24)}
        assert widths == {tree.scrollable_content_region.width}
        assert pane.lines()[0] == "▾ 0 Chapter 1 Th… 2"


async def test_a_source_that_is_gone_is_a_sentence_and_comes_back(pane, config):
    async with pane.run_test() as pilot:
        await pane.planned(pilot)
        pane.set("prompt_config.source", "gone.txt")
        await until(pilot, lambda: "no such file" in pane.text("problem"))
        pane.set("prompt_config.source", "story.txt")
        await pane.planned(pilot)
        (config.parent / "story.txt").write_text("Chapter 9 New\nthing\n")
        pane.set("prompt_config.max_chapters", 5)
        await until(pilot, lambda: pane.lines()[0].startswith("▾ 0 Chapter 9 New"))


async def test_an_endless_regex_is_given_up_and_a_newer_one_wins_meanwhile(pane, config):
    (config.parent / "story.txt").write_text(f"Chapter 1\n{'a' * 60}!\n")
    async with pane.run_test() as pilot:
        await pane.planned(pilot)
        pane.set(PROMPTS, "(?m)^(a|a)+$")
        await until(pilot, lambda: pane.view._planner._readers == 1)
        pane.set(PROMPTS, "a{30}")
        await pane.planned(pilot)
        assert [line[:5] for line in pane.lines()] == ["▾ 0 C", "· 0-0"]
        pane.set(PROMPTS, "(?m)^(a|a)+$")
        await until(pilot, lambda: "tries too many ways to match" in pane.text("problem"))
        await until(pilot, lambda: pane.view._planner._readers == 0)
