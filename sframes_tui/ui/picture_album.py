"""What the pictures of a plan are: which belong together, where they are, what is known of them. No widgets here."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from sframes_tui.printable import one_line
from sframes_tui.run.state import DONE, DRAWING, FAILED, PLANNED, SKIPPED, STALE, InFlight, RunState
from sframes_tui.story.plan import Frame, Plan

SYMBOLS = {PLANNED: "○", DRAWING: "◐", DONE: "●", FAILED: "✗", SKIPPED: "–", STALE: "↻"}
WORDS = {
    PLANNED: "not drawn yet",
    DRAWING: "being drawn",
    FAILED: "failed: the log says why",
    SKIPPED: "skipped: the picture before it is missing",
    DONE: "",
    STALE: "",
}


class Position(NamedTuple):
    """A prompt of a plan."""

    variant: int
    chapter: int
    prompt: int


class Album:
    """A plan's pictures, and how far they are."""

    def __init__(self, plan: Plan, locate: Callable[[Frame], Path]) -> None:
        self.plan, self._locate = plan, locate
        self.state = RunState()
        self.previews: dict[int, Callable[[], Image.Image]] = {}
        self._saved: dict[int, Path] = {}
        self._takes: Counter[int] = Counter()
        self._chapter: tuple[tuple[int, int], dict[int, list[Frame]]] | None = None

    def frames(self, position: Position) -> Sequence[Frame]:
        """One frame a style; empty where the plan has no such prompt."""
        return self._prompts(position.variant, position.chapter).get(position.prompt, ())

    def chapter(self, position: Position, style: int) -> Sequence[Frame]:
        """One style's frames of the position's chapter."""
        prompts = self._prompts(position.variant, position.chapter).values()
        return [frame for frames in prompts for frame in frames if frame.style == style]

    def _prompts(self, variant: int, chapter: int) -> dict[int, list[Frame]]:
        key = (variant, chapter)
        if self._chapter is None or self._chapter[0] != key:
            prompts: dict[int, list[Frame]] = defaultdict(list)
            for frame in self.plan.chapter_frames(*key) if key in self.plan.chapter_keys else ():
                prompts[frame.prompt].append(frame)
            self._chapter = (key, dict(prompts))
        return self._chapter[1]

    def beside(self, position: Position, by: int) -> Position | None:
        """The prompt that stands `by` prompts further on, over chapters too; None beyond the ends."""
        place = self._places.get(position, -1) + by
        return self._positions[place] if 0 <= place < len(self._positions) else None

    @cached_property
    def _positions(self) -> list[Position]:
        return list(dict.fromkeys(position_of(frame) for frame in self.plan.frames))

    @cached_property
    def _places(self) -> dict[Position, int]:
        return {position: place for place, position in enumerate(self._positions)}

    def chain(self, frame: Frame) -> Sequence[Frame]:
        """The frames that hang together with this one by their bases; where nothing does, those of its style."""
        chain = self._chains[self.plan.chains[frame.number]]
        if len(chain) > 1:
            return chain
        return self.chapter(position_of(frame), frame.style)

    @cached_property
    def _chains(self) -> dict[int, list[Frame]]:
        chains: dict[int, list[Frame]] = defaultdict(list)
        for frame, chain in zip(self.plan.frames, self.plan.chains, strict=True):
            chains[chain].append(frame)
        return chains

    def save(self, number: int, path: Path) -> None:
        """A frame's picture is at `path` now."""
        self._saved[number] = path
        self._takes[number] += 1
        self.previews.pop(number, None)

    def mark(self, frame: Frame) -> int:
        """How far it is: a saved picture counts at once."""
        if frame.number in self._saved and self.in_flight(frame) is None:
            return STALE if self._state_mark(frame) == STALE else DONE
        return self._state_mark(frame)

    def _state_mark(self, frame: Frame) -> int:
        return self.state.marks[frame.number] if frame.number < self.state.frames else PLANNED

    def in_flight(self, frame: Frame) -> InFlight | None:
        return next((each for each in self.state.in_flight if each.frame == frame.number), None)

    def path(self, frame: Frame) -> Path | None:
        """Where its picture is; None where there is none yet."""
        if self.mark(frame) not in (DONE, STALE):
            return None
        return self._saved.get(frame.number) or self._locate(frame)

    def take(self, frame: Frame) -> int:
        """Changes with every drawing of the frame."""
        return self._takes[frame.number]

    def status(self, frame: Frame) -> str:
        """Its symbol, and the step that it is at."""
        drawing = self.in_flight(frame)
        symbol = SYMBOLS[self.mark(frame)]
        return f"{symbol} {drawing.step}/{drawing.steps}" if drawing else symbol

    def tag(self, frame: Frame) -> str:
        return one_line(self.plan.tags[frame.style])

    def title(self, position: Position) -> str:
        """Chapter and prompt, for a pane's border."""
        prompts = self._prompts(position.variant, position.chapter)
        place = list(prompts).index(position.prompt) + 1 if position.prompt in prompts else 0
        chapter = one_line(self.plan.story.chapters[position.chapter].title, 40)
        variant = f"variant {position.variant} · " if self.plan.config.generation_config.variants > 1 else ""
        return f"{variant}{chapter or f'chapter {position.chapter}'} · {place} of {len(prompts)}"

    def facts(self, frame: Frame) -> str:
        """Where it comes from, in one line."""
        if frame.base is None:
            origin = "from noise"
        else:
            origin = f"from {self.plan.name(self.plan.frames[frame.base])} with strength {frame.strength:g}"
        steps = f"{frame.steps} steps" if frame.steps else "carried over unchanged"
        return one_line(f"{self.plan.name(frame)} · {origin} · {steps} · seed {self.plan.frame_seed(frame)}")


def position_of(frame: Frame) -> Position:
    return Position(frame.variant, frame.chapter, frame.prompt)
