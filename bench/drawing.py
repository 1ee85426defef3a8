"""Plans drawn by an engine with the program's own schedule, without a disk."""

import threading
from collections.abc import Callable, Collection, Mapping

from PIL import Image

from sframes_tui.engine.protocol import Drawn, Engine, Job, Look, Progress, Remark
from sframes_tui.plan.plan import Frame, Plan
from sframes_tui.run.bases import start_of
from sframes_tui.run.schedule import Schedule

Pictures = dict[int, Image.Image]


def draw(
    plan: Plan,
    engine: Engine,
    wanted: Collection[int] | None = None,
    given: Mapping[int, Image.Image] | None = None,
    report: Callable[[Progress], None] = lambda _: None,
) -> Pictures:
    """The pictures of a plan by frame, or of the frames that are `wanted`, with those that are `given`.

    Raises `RuntimeError` where one can't be drawn.
    """
    schedule = Schedule(plan, engine.capacity, engine.capacity if engine.pinned else 1)
    pictures, in_flight, never = dict(given or {}), 0, threading.Event()
    while True:
        while frame := schedule.take(engine.has_room):
            if frame.number in pictures or (wanted is not None and frame.number not in wanted):
                schedule.drawn(frame)
                continue
            engine.admit(_job(plan, engine, frame, pictures))
            in_flight += 1
        if not in_flight:
            return pictures
        for outcome in engine.advance(report, never):
            if isinstance(outcome, Drawn):
                pictures[outcome.frame] = outcome.picture
                schedule.drawn(plan.frames[outcome.frame])
                in_flight -= 1
            elif not isinstance(outcome, Remark):
                raise RuntimeError(f"the bench could not draw: {outcome}")


def _job(plan: Plan, engine: Engine, frame: Frame, pictures: Pictures) -> Job:
    base = None if frame.base is None else pictures[frame.base]
    sent = engine.fit([plan.prompt(frame)], plan.style_text(frame))[0].text
    return Job(frame.number, plan.frame_seed(frame), Look(sent), start_of(frame, base), plan.chains[frame.number])


def frames_of(plan: Plan, chain: int, most: int | None = None) -> list[int]:
    """The first frames of a chain, which need no other chain's pictures."""
    return [frame.number for frame in plan.frames if plan.chains[frame.number] == chain][:most]
