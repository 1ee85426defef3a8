"""How many frames to draw at once: the plan simulated with each number of rows."""

import bisect
import contextlib
import heapq
import json
import math
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from sframes_tui.engine.protocol import Engine
from sframes_tui.plain_file import read_plain, write_plain
from sframes_tui.plan.plan import Frame, Plan
from sframes_tui.run.record.header import version_of
from sframes_tui.run.schedule import Schedule

STORE = platformdirs.user_cache_path("sframes") / "call_seconds.json"
STORE_BYTES = 1_000_000

MEASURED = (1, 2, 4, 8, 16, 32, 64)
CANDIDATES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
WORTHWHILE = 1.9
"""A call with twice the rows that takes longer than this many times gains next to nothing: no more are tried."""

UNDOUBTED = 86_400.0
"""Seconds for which figures are believed as they are."""
FORGOTTEN = 30 * UNDOUBTED
SLOWED_DOWN = 1.3
"""A remembered call that took so many times longer than one does now was measured in a busy moment."""

Seconds = Mapping[int, float]
"""Rows -> seconds of one denoising call with so many."""


def simulate(plan: Plan, rows: int, pinned: bool) -> Iterator[tuple[int, int]]:
    """The calls that drawing a plan takes, as (number of calls, frames in each), one pair for each stretch.

    Every frame takes one step at each call. It runs the real schedule, with time counted in calls.
    """
    schedule = Schedule(plan, rows, rows if pinned else 1)
    in_flight: list[tuple[int, int]] = []
    taken: set[int] = set()

    def has_room(slot: int) -> bool:
        return slot not in taken if pinned else len(in_flight) < rows

    now = 0
    while True:
        while frame := schedule.take(has_room):
            if frame.steps == 0:
                schedule.drawn(frame)
                continue
            heapq.heappush(in_flight, (now + frame.steps, frame.number))
            taken.add(plan.chains[frame.number] % rows)
        if not in_flight:
            return
        yield in_flight[0][0] - now, len(in_flight)
        now = in_flight[0][0]
        while in_flight and in_flight[0][0] == now:
            _, number = heapq.heappop(in_flight)
            taken.discard(plan.chains[number] % rows)
            schedule.drawn(plan.frames[number])


def simulate_groups(plan: Plan, rows: int, pinned: bool) -> Iterator[tuple[int, int]]:
    """As `simulate`, for an engine whose frames in flight take all steps together, those of one strength at a time."""
    schedule = Schedule(plan, rows, rows if pinned else 1)
    waiting: list[Frame] = []

    def has_room(slot: int) -> bool:
        if len(waiting) >= rows:
            return False
        return not pinned or all(plan.chains[frame.number] % rows != slot for frame in waiting)

    while True:
        while frame := schedule.take(has_room):
            waiting.append(frame)
        if not waiting:
            return
        beginning = waiting[0].link, waiting[0].strength
        group = [frame for frame in waiting if (frame.link, frame.strength) == beginning]
        waiting = [frame for frame in waiting if frame not in group]
        yield group[0].steps, len(group)
        for frame in group:
            schedule.drawn(frame)


def drawing_seconds(plan: Plan, rows: int, pinned: bool, seconds: Seconds, stepwise: bool = True) -> float:
    """What the plan's calls take; a pinned engine fills every call up to `rows`."""
    stretches = (simulate if stepwise else simulate_groups)(plan, rows, pinned)
    return sum(calls * interpolated(seconds, rows if pinned else frames) for calls, frames in stretches)


def interpolated(seconds: Seconds, rows: int) -> float:
    """The time of a call at a number of rows that wasn't measured, on the line between its neighbours."""
    if rows in seconds:
        return seconds[rows]
    known = sorted(seconds)
    right = min(max(bisect.bisect_left(known, rows), 1), len(known) - 1)
    low, high = known[right - 1], known[right]
    return seconds[low] + (seconds[high] - seconds[low]) * (rows - low) / (high - low)


def fastest_rows(plan: Plan, pinned: bool, seconds: Seconds, stepwise: bool = True) -> int:
    """The number of rows that draws the plan soonest; the fewest of those that are as good within a hundredth."""
    most = min(max(seconds), count_chains(plan))
    candidates = [rows for rows in CANDIDATES if rows <= most]
    times = {rows: drawing_seconds(plan, rows, pinned, seconds, stepwise) for rows in candidates}
    best = min(times.values())
    return min(rows for rows, time in times.items() if time <= 1.01 * best)


def count_chains(plan: Plan) -> int:
    """As many frames can be in flight at once."""
    return max(plan.chains, default=0) + 1


def choose_rows(plan: Plan, engine: Engine, store: Path = STORE) -> int:
    """The fastest number of rows for this plan on this machine.

    Calls are timed once for all that their time depends on, and remembered: so the same plan gets the same number
    again, and with it the same bytes. Figures that were taken in a busy moment don't stay: after a day a call of one
    row is timed again, and if it is much quicker than remembered all are; after a month they are forgotten. A number
    of rows that found no memory isn't remembered, since another program may have had it.
    """
    useful = min(engine.max_rows, count_chains(plan))
    if useful == 1:
        return 1
    remembered = _read(store)
    key = _key(plan, engine)
    known = remembered.get(key)
    if known is None or _was_slowed_down(known, engine):
        known = Figures(time.time(), {})
    if not known.seconds or max(known.seconds) < useful:
        known = Figures(known.time, measure(engine.call_seconds, useful, known.seconds))
        _write(store, {**remembered, key: known})
    return fastest_rows(plan, engine.pinned, known.seconds, engine.stepwise)


def measure(call_seconds: Callable[[int], float], useful: int, known: Seconds) -> dict[int, float]:
    """Times calls of 1, 2, 4, ... rows until more are neither useful nor worthwhile; known times are kept."""
    seconds: dict[int, float] = {}
    for rows in MEASURED:
        seconds[rows] = known[rows] if rows in known else call_seconds(rows)
        if rows >= useful or (rows > 1 and seconds[rows] > WORTHWHILE * seconds[rows // 2]):
            break
    return seconds


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of one kind of call."""

    time: float
    """When, in seconds since 1970."""
    seconds: Seconds


def _was_slowed_down(known: Figures, engine: Engine) -> bool:
    """Whether the machine was busy when it was measured; looked at only where that is a day ago."""
    old = time.time() - known.time > UNDOUBTED
    return old and known.seconds[1] > SLOWED_DOWN * engine.call_seconds(1)


def _key(plan: Plan, engine: Engine) -> str:
    """What a call's time depends on."""
    facts, options = engine.facts, plan.config.generation_config
    parts = (
        platform.node(),
        facts.hardware,
        f"torch {version_of('torch')}",
        facts.model,
        f"{facts.width}x{facts.height}",
        facts.dtype,
        facts.engine,
        f"guided {options.guidance_scale > 1}",
        f"offload {options.offload}",
        f"compiled {options.compile}",
        f"deterministic {options.deterministic}",
    )
    return "|".join(parts)


def _read(store: Path) -> dict[str, Figures]:
    """What is remembered and not too old; whatever else the file holds doesn't count."""
    try:
        content = json.loads(read_plain(store, STORE_BYTES))
        found = {key: _figures(value) for key, value in content.items()}
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return {}
    return {key: each for key, each in found.items() if each is not None}


def _figures(value: Any) -> Figures | None:
    """Figures as they were written, if they can be believed."""
    try:
        taken, seconds = float(value["time"]), {int(rows): float(each) for rows, each in value["seconds"].items()}
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None
    fresh = 0 <= time.time() - taken < FORGOTTEN
    return Figures(taken, seconds) if fresh and 1 in seconds and all(map(_is_a_time, seconds.values())) else None


def _is_a_time(seconds: float) -> bool:
    return 0 < seconds < math.inf


def _write(store: Path, content: Mapping[str, Figures]) -> None:
    """Nobody misses a file that can't be written: the calls are timed again."""
    told = {
        key: {"time": each.time, "seconds": {str(rows): s for rows, s in each.seconds.items() if _is_a_time(s)}}
        for key, each in content.items()
    }
    with contextlib.suppress(OSError):
        write_plain(store, json.dumps(told, indent=1).encode())
