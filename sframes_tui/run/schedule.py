"""Which frame may be drawn next. Plain data; must not import torch."""

import heapq
from collections import defaultdict
from collections.abc import Callable

from sframes_tui.story.plan import Frame, Plan


class Schedule:
    """The frames of a plan as their bases become ready.

    With one row frames come in the plan's order, prompt by prompt. With more, the longest remaining path comes
    first: no other order ends sooner. With `slots` above 1, a frame waits for the slot `chain % slots`.
    """

    def __init__(self, plan: Plan, rows: int = 1, slots: int = 1) -> None:
        self._plan = plan
        self._successors: dict[int, list[int]] = defaultdict(list)
        for frame in plan.frames:
            if frame.base is not None:
                self._successors[frame.base].append(frame.number)
        self._urgency = remaining_steps(plan) if rows > 1 else [0] * len(plan.frames)
        self._ready: list[list[tuple[int, int]]] = [[] for _ in range(slots)]
        for frame in plan.frames:
            if frame.base is None:
                self._push(frame.number)

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
        return self._plan.frames[heapq.heappop(self._ready[slot])[1]]

    def has_successors(self, frame: Frame) -> bool:
        return frame.number in self._successors

    def drawn(self, frame: Frame) -> None:
        """Makes the frames that start from this one ready."""
        for successor in self._successors.pop(frame.number, ()):
            self._push(successor)

    def failed(self, frame: Frame) -> list[Frame]:
        """Removes and returns every frame that can't be drawn without this one."""
        lost: list[Frame] = []
        waiting = self._successors.pop(frame.number, [])
        while waiting:
            lost.append(self._plan.frames[waiting.pop()])
            waiting += self._successors.pop(lost[-1].number, ())
        return sorted(lost)


def remaining_steps(plan: Plan) -> list[int]:
    """For each frame the denoising steps from its own first to the last of the chain that it begins."""
    remaining = [frame.steps for frame in plan.frames]
    for frame in reversed(plan.frames):
        if frame.base is not None:
            remaining[frame.base] = plan.frames[frame.base].steps + remaining[frame.number]
    return remaining
