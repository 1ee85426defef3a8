"""What is left to draw: which frame may be drawn next, and how many there are. Plain data."""

import heapq
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sframes_tui.plan.plan import Frame, Plan
from sframes_tui.run.events import RunCancelled, RunCompleted

NAMED_FAILURES = 5


class Schedule:
    """The frames of a plan as their bases become ready.

    With one row frames come in the plan's order, prompt by prompt. With more, the longest remaining path comes
    first: no other order ends sooner. With `slots` above 1, a frame waits for the slot `chain % slots`.
    """

    def __init__(
        self, plan: Plan, rows: int = 1, slots: int = 1, todo: Iterable[int] | None = None, follow: Collection[int] = ()
    ) -> None:
        """`todo`: the frames to draw, where not all; the others have their pictures and keep them, unless they
        descend from one of `follow` that gets a new picture.
        """
        self._plan, self._follow = plan, follow
        self._successors: dict[int, list[int]] = defaultdict(list)
        for frame in plan.frames:
            if frame.base is not None:
                self._successors[frame.base].append(frame.number)
        self._waiting = set(range(len(plan.frames)) if todo is None else todo)
        self._urgency = remaining_steps(plan) if rows > 1 else [0] * len(plan.frames)
        self._ready: list[list[tuple[int, int]]] = [[] for _ in range(slots)]
        for number in self._free_from_the_start():
            self._push(number)

    def _free_from_the_start(self) -> Iterator[int]:
        """Those frames to draw that descend from no other."""
        bound: set[int] = set()
        for frame in self._plan.frames:
            if frame.base is not None and (frame.base in self._waiting or frame.base in bound):
                bound.add(frame.number)
            elif frame.number in self._waiting:
                yield frame.number

    def _push(self, number: int) -> None:
        slot = self._plan.chains[number] % len(self._ready)
        heapq.heappush(self._ready[slot], (-self._urgency[number], number))

    def __bool__(self) -> bool:
        """Whether a frame is ready now."""
        return any(self._ready)

    def take(self, has_room: Callable[[int], bool] = lambda _: True) -> Frame | None:
        """Removes the most urgent ready frame whose slot has room; None where there is none."""
        heads = [(queue[0], slot) for slot, queue in enumerate(self._ready) if queue and has_room(slot)]
        if not heads:
            return None
        _, slot = min(heads)
        number = heapq.heappop(self._ready[slot])[1]
        self._waiting.discard(number)
        return self._plan.frames[number]

    def give_back(self, frame: Frame) -> None:
        """Makes a taken frame ready once more."""
        self._waiting.add(frame.number)
        self._push(frame.number)

    def has_successors(self, frame: Frame) -> bool:
        """Whether a frame that is still to be drawn starts from this one."""
        return any(number in self._waiting for number in self._successors[frame.number])

    def drawn(self, frame: Frame) -> list[Frame]:
        """Makes the frames ready that start from this one; returns those that had pictures and lose them."""
        lost: list[Frame] = []
        if frame.number in self._follow:
            lost = self.settled_behind(frame)
            self._waiting.update(each.number for each in lost)
        self.pass_over(frame)
        return lost

    def settled_behind(self, frame: Frame) -> list[Frame]:
        """The frame's descendants that aren't waiting to be drawn."""
        return [each for each in self._plan.descendants(frame) if each.number not in self._waiting]

    def pass_over(self, frame: Frame) -> None:
        """Makes the frames ready that wait for this one; where their bases keep their pictures, those behind them."""
        following = list(self._successors[frame.number])
        while following:
            number = following.pop()
            if number in self._waiting:
                self._push(number)
            else:
                following += self._successors[number]

    def failed(self, frame: Frame) -> list[Frame]:
        """Removes and returns every frame that can't be drawn without this one."""
        lost: list[Frame] = []
        following = list(self._successors[frame.number])
        while following:
            successor = self._plan.frames[following.pop()]
            if successor.number in self._waiting:
                self._waiting.discard(successor.number)
                lost.append(successor)
                following += self._successors[successor.number]
            else:
                self.pass_over(successor)
        return sorted(lost)


def remaining_steps(plan: Plan) -> list[int]:
    """For each frame the denoising steps from its own first to the last of the chain that it begins."""
    remaining = [frame.steps for frame in plan.frames]
    for frame in reversed(plan.frames):
        if frame.base is not None:
            remaining[frame.base] = plan.frames[frame.base].steps + remaining[frame.number]
    return remaining


@dataclass(slots=True)
class Tally:
    """Counts frames; each that is to be drawn is either left, drawn, failed or skipped."""

    left: int
    drawn: int = 0
    saved: int = 0
    """Of those drawn: whose pictures are on the disk."""
    failed: int = 0
    skipped: int = 0
    failures: list[str] = field(default_factory=list)
    """The names of the first that failed."""

    def draw(self) -> None:
        self.left, self.drawn = self.left - 1, self.drawn + 1

    def fail(self, name: str) -> None:
        self.left, self.failed = self.left - 1, self.failed + 1
        if len(self.failures) < NAMED_FAILURES:
            self.failures.append(name)

    def skip(self) -> None:
        self.left, self.skipped = self.left - 1, self.skipped + 1

    def give_up_unsaved(self) -> int:
        """Counts those that didn't get to the disk as still to be drawn; returns how many."""
        lost = self.drawn - self.saved
        self.drawn, self.left = self.saved, self.left + lost
        return lost

    @property
    def is_whole(self) -> bool:
        """Whether every frame has its picture."""
        return not (self.left or self.failed or self.skipped)

    def ending(self, folder: Path, seconds: float) -> RunCompleted | RunCancelled:
        if self.left:
            return RunCancelled(folder, self.drawn, self.left)
        return RunCompleted(folder, self.drawn, self.failed, self.skipped, seconds, tuple(self.failures))
