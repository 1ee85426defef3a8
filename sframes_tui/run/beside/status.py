"""How runs are, by their journals and those who draw them. Writes nothing, reads no picture."""

import contextlib
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from sframes_tui.errors import DiskError, SteeringError, UsageError
from sframes_tui.printable import as_line, counted, one_line
from sframes_tui.run.beside.steering import Status, Steering
from sframes_tui.run.describe import duration
from sframes_tui.run.record.folder import holder
from sframes_tui.run.record.journal import NAME
from sframes_tui.run.record.past_run import CONFIG, require_run
from sframes_tui.run.record.replay import Replay, replay

DEPTH = 4
"""So many folders below an output folder lie runs: key, mode, tags, and date with time."""

LIST_BYTES = 2**28
"""Of the journals that are read for one list: those of half a million pictures."""

Phase = Literal["running", "paused", "finished", "stopped", "failed", "unread"]
"""`stopped` is a run that can go on, whether it was told to stop or its process is gone; `unread` one of a list whose
other journals were long enough.
"""
PHASES: dict[str, Phase] = {"completed": "finished", "cancelled": "stopped", "failed": "failed"}
"""Of runs that nobody draws now, by how their last drawing ended."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A picture that wasn't drawn."""

    name: str
    reason: str
    again: str
    """The command that draws it again."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What can be said of a run at a glance."""

    path: Path
    title: str
    """The story's key."""
    begun: float | None
    """Seconds since 1970; None for a run that has no journal yet."""
    phase: Phase
    holder: str | None
    """The process that draws it now, its host and since when."""
    frames: int
    there: int
    """Pictures that the journal tells of and that count."""
    skipped: int
    failures: tuple[Failure, ...] = ()
    error: str = ""
    """What the last drawing ended with, if that was a fault; why it is paused, if it is."""
    live: Status | None = None
    """What the drawing process says; None where none does."""
    unheard: str = ""
    """Why it says nothing that can be told."""

    @property
    def left(self) -> int:
        return self.frames - self.there - len(self.failures) - self.skipped

    @property
    def is_finished(self) -> bool:
        """Whether every picture is there, as far as its journal knows."""
        return self.phase == "finished" and self.there == self.frames

    def as_json(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "path": str(self.path),
            "left": self.left,
            "live": asdict(self.live) if self.live else {},
        }

    def lines(self) -> Iterator[str]:
        """The same for people."""
        yield as_line(str(self.path))
        yield one_line(f"{self.phase}{self._how_long()}{f': {self.error}' if self.error else ''}", 500)
        if self.holder:
            yield f"drawn by {self.holder}"
        yield self._counts()
        yield from self._said()
        for failure in self.failures:
            yield one_line(f"{failure.name} failed: {failure.reason}; draw it again with: {failure.again}", 500)
        if self.phase in ("stopped", "failed"):
            yield f"go on with: resume {shlex.quote(str(self.path))} --batch"

    def _said(self) -> Iterator[str]:
        if self.unheard:
            yield as_line(self.unheard)
        if self.live is None:
            return
        if self.live.seconds_left is not None:
            yield f"{self.live.pictures_per_minute:.1f} pictures/min, {duration(self.live.seconds_left)} left"
        for each in self.live.in_flight:
            yield one_line(f"drawing {each.name}: step {each.step} of {each.steps}")

    def _how_long(self) -> str:
        paused = None if self.live is None else self.live.paused_seconds
        return "" if paused is None else f" for {duration(paused)}"

    def _counts(self) -> str:
        parts = [f"{self.there} of {counted(self.frames, 'picture')} there"]
        parts += [f"{number} {word}" for number, word in self._others() if number]
        return ", ".join(parts)

    def _others(self) -> tuple[tuple[int, str], ...]:
        return (len(self.failures), "failed"), (self.skipped, "skipped"), (self.left, "left")


def run_status(folder: Path) -> RunSummary:
    """How a run is now, with what the process that draws it says. Raises `UsageError`, `DiskError`."""
    require_run(folder)
    summary = _summary(folder)
    if summary.holder is None:
        return summary
    try:
        live = Steering(folder).status()
    except SteeringError as error:
        return replace(summary, unheard=str(error))
    if live.phase == "paused":
        # What a full disk took no record of, the process still says.
        return replace(summary, live=live, phase="paused", error=live.pause)
    return replace(summary, live=live)


def past_runs(root: Path, depths: Iterable[int] = (DEPTH,)) -> list[RunSummary]:
    """All runs so deep below a folder, the newest first; those whose journal can't be read are passed over."""
    configs = chain.from_iterable(root.glob("*/" * depth + CONFIG) for depth in depths)
    found, left = [], LIST_BYTES
    for written, size, folder in sorted(map(_journal_of, filter(Path.is_file, configs)), reverse=True):
        is_read = size <= left
        left -= size if is_read else 0
        with contextlib.suppress(UsageError, DiskError, OSError):
            found.append((written, _summary(folder) if is_read else _unread(folder)))
    found.sort(key=lambda each: each[1].begun or each[0], reverse=True)
    return [summary for _, summary in found]


def _journal_of(config: Path) -> tuple[float, int, Path]:
    """When a run was written to at last, its journal's bytes (without those that a sparse file lacks), its folder."""
    for path in (config.parent / NAME, config):
        with contextlib.suppress(OSError):
            status = path.lstat()
            return status.st_mtime, min(status.st_size, status.st_blocks * 512), config.parent
    return 0.0, 0, config.parent


def _unread(folder: Path) -> RunSummary:
    title = folder.absolute().parent.parent.parent.name
    return RunSummary(folder, title, None, "unread", holder(folder), frames=0, there=0, skipped=0)


def _summary(folder: Path) -> RunSummary:
    try:
        known = replay(folder)
    except OSError as error:
        raise DiskError(f"{folder}: its journal can't be read: {error.strerror}") from None
    return _summed_up(folder, known, holder(folder))


def _summed_up(folder: Path, known: Replay, who: str | None) -> RunSummary:
    there = len(known.takes.counting)
    return RunSummary(
        path=folder,
        title=folder.absolute().parent.parent.parent.name,
        begun=known.header.get("time"),
        phase=_phase(known, who),
        holder=who,
        frames=max(known.last_header.get("frames", 0), there),
        there=there,
        skipped=len(known.skipped),
        failures=tuple(_failure(folder, file, reason) for file, reason in sorted(known.failed.items())),
        error=_error(known, who),
    )


def _phase(known: Replay, who: str | None) -> Phase:
    if who is not None:
        return "running" if known.paused is None else "paused"
    return PHASES[known.ended.how]


def _error(known: Replay, who: str | None) -> str:
    if who is not None:
        return known.paused or ""
    return known.ended.error


def _failure(folder: Path, file: str, reason: str) -> Failure:
    """A journal's file as its frame's name and the command for it."""
    path = PurePosixPath(file)
    tag, _, place = path.stem.rpartition(" ")
    variant = path.parent.name.removeprefix("variant-")
    which = f" --variant {variant}" if path.parent.name.startswith("variant-") else ""
    again = f"redraw {shlex.quote(str(folder))} {shlex.quote(f'{place}:{tag}')}{which}"
    return Failure(path.stem, reason, again)
