"""An event -> its one line of text, the same on every front end and in `run.log`."""

import shlex
from pathlib import Path

from sframes_tui.printable import as_line, counted, one_line
from sframes_tui.run.events import (
    Event,
    Level,
    ModelDownload,
    ModelLoadCompleted,
    ModelLoadStarted,
    Notice,
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunPaused,
    RunResumed,
    RunStarted,
)
from sframes_tui.run.frame_events import (
    ChapterCompleted,
    ChapterStarted,
    FrameCompleted,
    FrameFailed,
    FrameProgress,
    FramesKept,
    FrameSkipped,
    FramesStale,
    FrameStarted,
)

WIDTH = 500
"""Characters of a line; prompts and file names may be any length."""


def describe(event: Event) -> tuple[Level, str]:
    """How important an event is, and a printable line that tells of it; the line of `FrameProgress` is empty."""
    level, line = _described(event)
    return level, as_line(line)


def _described(event: Event) -> tuple[Level, str]:
    match event:
        case FrameFailed(name=name, reason=reason):
            return "error", one_line(f"{name} failed: {reason}", WIDTH)
        case FrameSkipped(name=name, reason=reason):
            return "warning", one_line(f"{name} skipped: {reason}")
        case Notice(level=level, text=text):
            return level, one_line(text, WIDTH)
        case RunResumed():
            return "info", "going on"
        case RunPaused(reason=reason):
            return "warning", one_line(f"paused: {reason}", WIDTH)
        case FramesStale(frames=frames):
            return "warning", f"{counted(len(frames), 'picture')} out of date: a picture before them was drawn again"
        case RunFailed(error=error):
            return "error", one_line(f"the run failed: {error}")
        case RunCancelled():
            return "warning", _stopping(event)
        case RunCompleted(failed=failed):
            return "error" if failed else "info", _ending(event)
        case _:
            return "info", one_line(_progress(event), WIDTH)


def _progress(event: Event) -> str:
    match event:
        case ModelLoadStarted(model=model):
            return f"getting {model} ready"
        case ModelLoadCompleted():
            return _readiness(event)
        case RunStarted():
            return _beginning(event)
        case ChapterStarted(chapter=chapter, title=title):
            return f"chapter {chapter}: {title}"
        case ChapterCompleted(chapter=chapter, grids=grids):
            return f"chapter {chapter} done, {counted(len(grids), 'grid')} saved"
        case FrameStarted(name=name, prompt=prompt):
            return f"{name}: {prompt}"
        case FrameCompleted(path=path, seconds=seconds):
            return f"{path.name} saved after {seconds:.1f} s"
        case FramesKept(frames=frames):
            return f"{counted(len(frames), 'picture')} kept as they are"
        case FrameProgress() | ModelDownload():
            return ""
        case _:
            raise AssertionError(event)


def download_words(done: int, total: int, rate: float) -> str:
    """How far a model's download is."""
    return f"downloading, {done / 1e6:,.0f} of {total / 1e6:,.0f} MB, {rate / 1e6:.1f} MB/s"


def _readiness(event: ModelLoadCompleted) -> str:
    how = "still loaded" if event.kept else f"loaded in {event.seconds:.1f} s" if event.seconds else "ready"
    return f"{event.model} {how}: {event.device}, {event.dtype}, {event.engine} engine"


def _beginning(event: RunStarted) -> str:
    if len(event.kept) == event.frames:
        return f"{counted(event.frames, 'picture')}, all of them there, in {event.folder}"
    there = f", {len(event.kept)} of them there already" if event.kept else ""
    return f"drawing {counted(event.frames, 'picture')}{there}, in {counted(event.steps, 'step')}, into {event.folder}"


def _stopping(event: RunCancelled) -> str:
    how = "" if event.folder is None else f"; go on with: resume {_quoted(event.folder)}"
    return f"stopped: {counted(event.drawn, 'picture')} drawn, {event.left} left{how}"


def _ending(event: RunCompleted) -> str:
    if not event.drawn + event.failed + event.skipped:
        return f"nothing was drawn: {event.folder}"
    parts = [f"{counted(event.drawn, 'picture')} drawn in {duration(event.seconds)}"]
    if event.failed:
        more = ", …" if event.failed > len(event.failures) else ""
        parts.append(f"{event.failed} failed" + (f" ({', '.join(event.failures)}{more})" if event.failures else ""))
    if event.skipped:
        parts.append(f"{event.skipped} skipped")
    return f"{', '.join(parts)}: {event.folder}{_again(event)}"


def _again(event: RunCompleted) -> str:
    """How what is missing is drawn."""
    if not event.failed and not event.skipped:
        return ""
    folder = _quoted(event.folder)
    tag, _, place = event.failures[0].rpartition(" ") if event.failures else ("", "", "")
    other = f", with another seed: redraw {folder} {shlex.quote(f'{place}:{tag}')}" if place else ""
    return f"; try again with: resume {folder}{other}"


def _quoted(folder: Path) -> str:
    """As a shell takes it."""
    return shlex.quote(as_line(str(folder)))


def duration(seconds: float) -> str:
    """Seconds as a person says them: "42 s", "7 min 05 s", "3 h 20 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
