"""What the pictures of a plan are: which belong together, where they are, what is known of them.

A plan may have millions of frames: what is asked for at each painting is searched by halves, or kept.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from sframes_tui.plan.plan import Frame, Plan
from sframes_tui.printable import one_line
from sframes_tui.run.state import DONE, DRAWING, FAILED, PLANNED, SKIPPED, STALE, InFlight, RunState

SYMBOLS = {PLANNED: "○", DRAWING: "◐", DONE: "●", FAILED: "✗", SKIPPED: "–", STALE: "↻"}
WORDS = {
    PLANNED: "not drawn yet",
    DRAWING: "being drawn",
    FAILED: "failed: the log says why",
    SKIPPED: "skipped: the picture before it is missing",
    DONE: "",
    STALE: "",
}


_prompt, _number = attrgetter("prompt"), attrgetter("number")


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
        self._chapter: tuple[tuple[int, int], Sequence[Frame]] = ((-1, -1), ())
        self._style: tuple[object, Sequence[Frame]] = (None, ())
        self._chain: tuple[int, Sequence[Frame]] = (-1, ())

    def frames(self, position: Position) -> Sequence[Frame]:
        """One frame a style; empty where the plan has no such prompt."""
        chapter = self._frames_of(position)
        first = bisect_left(chapter, position.prompt, key=_prompt)
        return chapter[first : bisect_right(chapter, position.prompt, first, key=_prompt)]

    def _frames_of(self, position: Position) -> Sequence[Frame]:
        """The frames of the position's chapter, which stand in the order of their prompts."""
        key = (position.variant, position.chapter)
        if self._chapter[0] != key:
            self._chapter = (key, self.plan.chapter_frames(*key) if key in self.plan.chapter_keys else ())
        return self._chapter[1]

    def chapter(self, position: Position, style: int) -> Sequence[Frame]:
        """One style's frames of the position's chapter."""
        key = (position.variant, position.chapter, style)
        if self._style[0] != key:
            self._style = (key, [frame for frame in self._frames_of(position) if frame.style == style])
        return self._style[1]

    def beside(self, position: Position, by: int) -> Position | None:
        """The prompt before (-1) or after (1), over chapters too; None beyond the ends."""
        frames = self.frames(position)
        number = -1 if not frames else frames[0].number - 1 if by < 0 else frames[-1].number + 1
        return position_of(self.plan.frames[number]) if 0 <= number < len(self.plan.frames) else None

    def chain(self, frame: Frame) -> tuple[Sequence[Frame], int]:
        """The frames that hang together with this one by their bases, and its place among them.

        Where nothing hangs together, those of its chapter and style.
        """
        number = self.plan.chains[frame.number]
        if self._chain[0] != number:
            linked = zip(self.plan.frames, self.plan.chains, strict=True)
            self._chain = (number, [each for each, chain in linked if chain == number])
        chain = self._chain[1] if len(self._chain[1]) > 1 else self.chapter(position_of(frame), frame.style)
        return chain, bisect_left(chain, frame.number, key=_number)

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
        frames, chapter_frames = self.frames(position), self._frames_of(position)
        styles = max(1, len(frames))
        place = bisect_left(chapter_frames, position.prompt, key=_prompt) // styles + 1
        chapter = one_line(self.plan.story.chapters[position.chapter].title, 40)
        variant = f"variant {position.variant} · " if self.plan.config.generation_config.variants > 1 else ""
        return f"{variant}{chapter or f'chapter {position.chapter}'} · {place} of {len(chapter_frames) // styles}"

    def facts(self, frame: Frame) -> str:
        """Where it comes from, in one line."""
        strength = "" if frame.strength is None else f" with strength {frame.strength:g}"
        origin = "from noise" if frame.link == "noise" else f"from {self.plan.base_name(frame)}{strength}"
        steps = "carried over unchanged" if frame.link == "carried" else f"{frame.steps} steps"
        return one_line(f"{self.plan.name(frame)} · {origin} · {steps} · seed {self.plan.frame_seed(frame)}")


def position_of(frame: Frame) -> Position:
    return Position(frame.variant, frame.chapter, frame.prompt)
