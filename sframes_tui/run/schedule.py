"""Which frame may be drawn next. Plain data; must not import torch."""

import heapq
from collections import defaultdict

from sframes_tui.story.plan import Frame, Plan


class Schedule:
    """The frames of a plan as their bases become ready, in the plan's order."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._successors: dict[int, list[int]] = defaultdict(list)
        self._ready: list[int] = []
        for frame in plan.frames:
            waits_for = self._ready if frame.base is None else self._successors[frame.base]
            waits_for.append(frame.number)

    def __bool__(self) -> bool:
        """Whether a frame is ready now."""
        return bool(self._ready)

    def take(self) -> Frame:
        """Removes the first ready frame."""
        return self._plan.frames[heapq.heappop(self._ready)]

    def has_successors(self, frame: Frame) -> bool:
        return frame.number in self._successors

    def drawn(self, frame: Frame) -> None:
        """Makes the frames that start from this one ready."""
        for successor in self._successors.pop(frame.number, ()):
            heapq.heappush(self._ready, successor)

    def failed(self, frame: Frame) -> list[Frame]:
        """Removes and returns every frame that can't be drawn without this one."""
        lost: list[Frame] = []
        waiting = self._successors.pop(frame.number, [])
        while waiting:
            lost.append(self._plan.frames[waiting.pop()])
            waiting += self._successors.pop(lost[-1].number, ())
        return sorted(lost)
