"""The story's tree beside Textual's own, in one process: `python -m bench tree`.

A text of the Bible's size: 1,196 chapters, 31,102 prompts, two styles. What is measured is the processor time of the
screen's thread from an action to the painted lines, so a busy machine makes it worse, but not wrong.
"""

import asyncio
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from random import Random

from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from sframes_tui.config.config import Config
from sframes_tui.model.sampling import Sampling
from sframes_tui.plan.plan import Plan, make_plan
from sframes_tui.run.state import DONE, Marks, RunState
from sframes_tui.text.split import Chapter, Story
from sframes_tui.ui.story.outline import Outline, fold_case, search
from sframes_tui.ui.story.tree import StoryTree
from sframes_tui.ui.story.tree_rows import Found

CHAPTERS, PROMPTS = 1196, 31_102
ROUNDS = 6
SETTLED = 0.1
"""Seconds after which what an action leads to is painted."""
WORDS = (
    "in",
    "the",
    "god",
    "created",
    "heaven",
    "earth",
    "light",
    "deep",
    "waters",
    "漢字",
    "spirit",
    "moved",
    "upon",
    "face",
)
QUERIES = ("g", "go", "god", "god d", "god deep 漢字")


class Ours:
    """The story's tree and what is done to it."""

    def __init__(self, plan: Plan) -> None:
        self.widget = StoryTree()
        self._state = RunState("drawing", frames=len(plan.frames), marks=Marks.planned(len(plan.frames)))
        self._outline = Outline.of_plan(plan, self._state)

    def show(self, _: int) -> None:
        self.widget.show(self._outline)

    def unfold_one(self, _: int) -> None:
        self.widget.go_to(self._outline.row(0, 0, None))
        self.widget.action_open()

    def unfold_all(self, _: int) -> None:
        self.widget.action_fold_all()

    def page_down(self, _: int) -> None:
        self.widget.action_move_pages(1)

    def filter(self, found: Found, query: str) -> None:
        self.widget.show_found(found, query)

    def status(self, frame: int) -> None:
        self._state = replace(self._state, marks=self._state.marks.with_mark(frame, DONE))
        self.widget.show_state(self._state)

    def all_statuses(self, _: int) -> None:
        self._state = replace(self._state, marks=self._state.marks.with_marks(range(self._state.frames), DONE))
        self.widget.show_state(self._state)


class Textuals:
    """Textual's tree and the same done to it."""

    def __init__(self, plan: Plan) -> None:
        self.widget: Tree[int] = Tree("story")
        self.widget.show_root = False
        self._story = plan.story
        self._prompts: list[TreeNode[int]] = []

    def show(self, _: int) -> None:
        whole = [range(len(chapter.prompts)) for chapter in self._story.chapters]
        self._fill(Found(range(len(whole)), whole))

    def _fill(self, found: Found) -> None:
        self.widget.clear()
        self.widget.root.expand()
        self._prompts = []
        for chapter, prompts in zip(found.sections, found.prompts, strict=True):
            node = self.widget.root.add(self._story.chapters[chapter].title)
            texts = self._story.chapters[chapter].prompts
            self._prompts += [node.add_leaf(f"· {chapter}-{prompt} {texts[prompt]}") for prompt in prompts]

    def unfold_one(self, _: int) -> None:
        self.widget.root.children[0].toggle()

    def unfold_all(self, number: int) -> None:
        for node in self.widget.root.children:
            node.collapse() if number % 2 else node.expand()

    def page_down(self, _: int) -> None:
        self.widget.action_page_down()

    def filter(self, found: Found, _: str) -> None:
        self._fill(found)

    def status(self, frame: int) -> None:
        self._prompts[frame // 2].set_label(f"✓ {self._prompts[frame // 2].label}")

    def all_statuses(self, _: int) -> None:
        for node in self._prompts:
            node.set_label(f"✓ {node.label}")


class Bench(App[None]):
    """One of the two trees, as wide as a pane."""

    CSS = "StoryTree, Tree { width: 60; }"

    def __init__(self, side: Ours | Textuals) -> None:
        super().__init__()
        self._side = side

    def compose(self) -> ComposeResult:
        yield self._side.widget


async def milliseconds(pilot: Pilot[None], action: Callable[[int], object], rounds: int) -> float:
    """The median of an action's time in the screen's thread, less that of doing nothing; some undo each other."""
    taken = []
    for number in range(rounds):
        await pilot.pause(SETTLED)
        before_idle = time.thread_time()
        await pilot.pause(SETTLED)
        started = time.thread_time()
        action(number)
        await pilot.pause(SETTLED)
        taken.append(1000 * (time.thread_time() - started - (started - before_idle)))
    return statistics.median(taken)


async def measure(side: Ours | Textuals, found: list[Found], rounds: int) -> dict[str, float]:
    """Each action's milliseconds; `rounds` is even, so that what was folded is folded in the end."""
    async with Bench(side).run_test(size=(120, 40)) as pilot:
        pilot.app.query("StoryTree, Tree").first().focus()
        return {
            "show the text": await milliseconds(pilot, side.show, 1),
            "unfold or fold a chapter": await milliseconds(pilot, side.unfold_one, rounds),
            "unfold or fold all": await milliseconds(pilot, side.unfold_all, rounds),
            "unfold all": await milliseconds(pilot, side.unfold_all, 1),
            "a picture done": await milliseconds(pilot, side.status, rounds),
            "a page down": await milliseconds(pilot, side.page_down, rounds),
            "all pictures done": await milliseconds(pilot, side.all_statuses, 1),
            "a key in the filter": await milliseconds(
                pilot, lambda number: side.filter(found[number], QUERIES[number]), len(QUERIES)
            ),
        }


def story() -> Story:
    random = Random(1)
    counts = [PROMPTS // CHAPTERS + (number < PROMPTS % CHAPTERS) for number in range(CHAPTERS)]
    prompts = [tuple(" ".join(random.choices(WORDS, k=24)) for _ in range(count)) for count in counts]
    return Story("bench", tuple(Chapter(f"Book {number}", each) for number, each in enumerate(prompts)))


def plan_of(text: Story) -> Plan:
    styles = [{"style": tag, "file_tag": tag, "weight": 0.5} for tag in ("oil", "ink")]
    config = Config.model_validate({"prompt_config": {"source": "bench"}, "style_configs": styles})
    return make_plan(config, text, Sampling(scheduler="DDIM"), 1)


def main() -> None:
    plan = plan_of(story())
    folded = fold_case(plan.story)
    started = time.thread_time()
    found = [search(folded, 1, query) for query in QUERIES]
    searching = 1000 * (time.thread_time() - started) / len(QUERIES)
    ours = asyncio.run(measure(Ours(plan), found, ROUNDS))
    textuals = asyncio.run(measure(Textuals(plan), found, 2))
    print("| ms of the screen's thread | S-Frames | Textual's Tree |\n|---|---|---|")
    for name, taken in ours.items():
        print(f"| {name} | {taken:.1f} | {textuals[name]:.0f} |")
    print(f"\nsearching for the filter: {searching:.0f} ms of another thread")


if __name__ == "__main__":
    main()
