"""One frame drawn again: with another seed, prompt or strength; what then becomes of those drawn from it.

    request = Request((frame.number,), seed=5, prompt="a boat", strength=0.4, descendants="stale")
    check(past, request)                                    an SFramesError says why it can't be
    past.plan.descendants(frame), past.seconds_for(...)     how many would be out of date, and how long they'd take
    redraw(past.path, request, make_engine, emit, control)  draws; events as of any run
    redraw_stale(past.path, make_engine, emit, control)     draws all that is out of date
    choose(past.path, (frame.number,), take, emit)          makes an older take count again
    keep(past.path, frames, emit)                           lets pictures count that are out of date; None: all

All go in by `execute.opened`: they take the folder's lock (`FolderInUseError`) and look at the run anew, so what was
opened before is old then. What they do is in the journal before it is done.
"""

import contextlib
import re
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sframes_tui.engine.protocol import EngineFactory
from sframes_tui.errors import UsageError
from sframes_tui.plan.change import MAX_PROMPT, Change
from sframes_tui.plan.plan import Frame, Plan
from sframes_tui.printable import counted
from sframes_tui.run.describe import duration
from sframes_tui.run.events import Control, Emit, Notice, RunCompleted
from sframes_tui.run.execute import OpenRun, opened
from sframes_tui.run.frame_events import FrameCompleted, FramesKept, FramesStale
from sframes_tui.run.record.past_run import PastRun
from sframes_tui.run.record.takes import write_wishes

Descendants = Literal["redraw", "keep", "stale"]
"""What becomes of the pictures drawn from one that is drawn again: drawn again too, kept as right, or marked."""


@dataclass(frozen=True, slots=True)
class Request:
    """Frames to draw again, and what to change of them; without any change they get new seeds."""

    frames: tuple[int, ...]
    seed: int | None = None
    prompt: str | None = None
    strength: float | None = None
    descendants: Descendants = "stale"


def find_frames(plan: Plan, place: str, variant: int = 0) -> tuple[int, ...]:
    """The frames that `CHAPTER-PROMPT` or `CHAPTER-PROMPT:TAG` means. Raises `UsageError`."""
    match = re.fullmatch(r"(\d{1,7})-(\d{1,7})(?::(.+))?", place, re.DOTALL)
    if match is None:
        raise UsageError(
            f"{place!r}: name a picture by CHAPTER-PROMPT:TAG, as its file is called, such as 0-3:{plan.tags[0]}"
        )
    chapter, prompt, tag = int(match[1]), int(match[2]), match[3]
    if tag is not None and tag not in plan.tags:
        raise UsageError(f"{place!r}: there is no style {tag!r}; there is {', '.join(plan.tags)}")
    at = (variant, chapter, prompt)
    found = [frame for frame in plan.frames if (frame.variant, frame.chapter, frame.prompt) == at]
    if not found:
        raise UsageError(
            f"{place!r}: the plan has no such picture in variant {variant}; chapters and prompts count from 0"
        )
    return tuple(frame.number for frame in found if tag in (None, plan.tags[frame.style]))


def check(past: PastRun, request: Request) -> None:
    """Raises `UsageError` where a request can't be met."""
    if request.prompt is not None and (fault := _fault(request.prompt)):
        raise UsageError(f"the prompt {fault}; give another")
    if not past.config.generation_config.save_individual and past.is_finished:
        raise UsageError(
            f"{past.path}: the run kept only its grids (save_individual = false), so nothing can be redrawn"
        )
    chosen = set(request.frames)
    for number in request.frames:
        frame = past.plan.frames[number]
        name = past.plan.name(frame)
        if request.strength is not None and frame.link == "noise":
            raise UsageError(f"{name} starts from noise, so it has no strength; change its seed or prompt")
        if frame.base is not None and frame.base not in past.survey.kept and frame.base not in chosen:
            raise UsageError(f"{name} starts from a picture that isn't drawn yet; resume the run first")


def _fault(prompt: str) -> str | None:
    """What a journal could not hold of a prompt."""
    if len(prompt) > MAX_PROMPT:
        return f"has {len(prompt):,} characters, more than {MAX_PROMPT:,}"
    return None if prompt.encode(errors="ignore").decode() == prompt else "is no text in UTF-8"


def redraw(path: Path, request: Request, make_engine: EngineFactory, emit: Emit, control: Control) -> None:
    """Draws frames again, and their descendants if that is asked. Ends and raises as `execute` does."""
    with opened(path, emit, control=control) as run:
        plan = run.past.plan
        check(run.past, request)
        run.clear_up()
        changes = {number: _change(run.past, request, plan.frames[number]) for number in request.frames}
        _wish(run, changes, follow=request.descendants == "redraw")
        behind = _descendants(plan, request.frames)
        _tell_descendants(run, request, behind)
        run.draw(make_engine, control, {*request.frames, *(behind if request.descendants == "redraw" else ())})
        if request.descendants == "keep":
            run.refresh()
            _keep(run, behind)
            run.drop_hidden()


def _change(past: PastRun, request: Request, frame: Frame) -> Change:
    """Another take; what isn't asked for is as it was, and the seed is new if nothing is asked for."""
    again = past.same_again(frame)
    asked = (request.seed, request.prompt, request.strength)
    seed = request.seed if request.seed is not None or asked == (None, None, None) else again.seed
    prompt = again.prompt if request.prompt is None else request.prompt
    return Change(again.take, seed, prompt, again.strength if request.strength is None else request.strength)


def _descendants(plan: Plan, frames: Collection[int]) -> tuple[int, ...]:
    return tuple(each.number for each in plan.descendants(*(plan.frames[number] for number in frames)))


def _tell_descendants(run: OpenRun, request: Request, behind: Collection[int]) -> None:
    if not behind:
        return
    seconds = run.past.seconds_for(run.past.plan.frames[number] for number in behind)
    time = f", which takes about {duration(seconds)}" if seconds is not None else ""
    later = f"redraw {shlex.quote(str(run.past.path))} --stale"
    words = {
        "redraw": f"are drawn again{time}",
        "keep": "are kept as they are",
        "stale": f"are out of date then; draw them again{time}, with: {later}",
    }
    text = f"{counted(len(behind), 'picture')} drawn from it {words[request.descendants]}"
    run.emit(Notice("info", text))


def redraw_stale(path: Path, make_engine: EngineFactory, emit: Emit, control: Control) -> None:
    """Draws every picture again that is out of date, as it was drawn before. Ends and raises as `execute` does."""
    with opened(path, emit, control=control) as run:
        run.clear_up()
        stale = sorted(run.past.survey.stale)
        if stale:
            _wish(run, {number: run.past.same_again(run.past.plan.frames[number]) for number in stale}, follow=False)
        run.draw(make_engine, control, stale)


def _wish(run: OpenRun, changes: Mapping[int, Change], follow: bool) -> None:
    """Writes down takes that are wanted of frames."""
    files = {run.past.file(run.past.plan.frames[number]): change for number, change in changes.items()}
    write_wishes(run.journal, files, follow)
    run.refresh()


def choose(path: Path, frames: Collection[int], take: int, emit: Emit) -> None:
    """Makes an older take of frames count again, which unmarks what was drawn from it. Raises `SFramesError`."""
    with _without_drawing(path, emit) as run:
        for number in frames:
            _choose(run, run.past.plan.frames[number], take)


def _choose(run: OpenRun, frame: Frame, take: int) -> None:
    past, folder = run.past, run.folder
    chosen = past.takes(frame).get(take)
    if chosen is None:
        known = ", ".join(map(str, sorted(past.takes(frame)))) or "none"
        raise UsageError(f"{past.plan.name(frame)}: there is no take {take}; there is {known}")
    current = past.replay.takes.saved(past.file(frame))
    if current is not None:
        folder.preserve(current)
    run.journal.append("chosen", file=chosen.file, take=take)
    folder.put_back(chosen, folder.take_file(chosen.file, take))
    run.refresh()
    run.emit(FrameCompleted(frame.number, past.picture(frame), 0.0, take))
    _tell_stale(run, past.survey.stale)
    run.write_grids()


def keep(path: Path, frames: Collection[int] | None, emit: Emit) -> None:
    """Lets pictures count as they are though they are out of date; all of them for None. Raises `SFramesError`."""
    with _without_drawing(path, emit) as run:
        _keep(run, run.past.survey.stale if frames is None else frames)


def _keep(run: OpenRun, frames: Iterable[int]) -> None:
    past, stale = run.past, run.past.survey.stale
    accepted = []
    for number in stale & set(frames):
        base = past.plan.frames[number].base
        assert base is not None
        accepted.append([past.file(past.plan.frames[number]), past.survey.kept[base].sha256])
    run.journal.append_list("kept", "files", accepted)
    run.refresh()
    _tell_stale(run, stale)


def _tell_stale(run: OpenRun, before: Set[int]) -> None:
    """Tells what is out of date now and wasn't, and the other way round."""
    now = run.past.survey.stale
    if kept := before - now:
        run.emit(FramesKept(tuple(sorted(kept))))
    if stale := now - before:
        run.emit(FramesStale(tuple(sorted(stale))))


@contextlib.contextmanager
def _without_drawing(path: Path, emit: Emit) -> Iterator[OpenRun]:
    with opened(path, emit) as run:
        run.clear_up()
        run.tell_what_is_there()
        yield run
        run.drop_hidden()
        run.emit(RunCompleted(path, 0, 0, 0, 0.0))
