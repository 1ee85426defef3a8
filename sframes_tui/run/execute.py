"""A draft becomes a run: model, prompts, folder, loop, and one last event whatever happens. Must not import torch."""

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sframes_tui.engine.protocol import Engine, EngineFactory
from sframes_tui.errors import DiskError, InternalError, SFramesError, first_line
from sframes_tui.run.archive import Prompts
from sframes_tui.run.events import (
    ModelLoadCompleted,
    ModelLoadStarted,
    Notice,
    RunCancelled,
    RunFailed,
    RunStarted,
)
from sframes_tui.run.folder import RunFolder
from sframes_tui.run.loop import Control, Emit, Loop
from sframes_tui.run.notify import telling
from sframes_tui.run.rows import choose_rows
from sframes_tui.run.trust import carry_over
from sframes_tui.story.draft import Draft
from sframes_tui.story.plan import Plan

LISTED_OVERFLOWS = 100


def execute(
    draft: Draft, make_engine: EngineFactory, root: Path, emit: Emit, control: Control, notify: str | None = None
) -> None:
    """Draws a draft into a new run folder below `root`.

    Ends with exactly one `RunCompleted`, `RunCancelled` or `RunFailed`. Raises the `SFramesError` that a `RunFailed`
    tells of, so that a front end knows its kind. A `KeyboardInterrupt` before the first frame is a cancelled run. How
    it ended is told to `notify`, or to whom the configuration names.
    """
    emit = telling(notify or draft.config.generation_config.notify, draft.plan.story.key, emit)
    try:
        _execute(draft, make_engine, root, emit, control)
    except SFramesError as error:
        emit(RunFailed(str(error)))
        raise
    except OSError as error:
        what = f"can't write {error.filename or root}: {error.strerror}; every picture told of is safe"
        emit(RunFailed(what))
        raise DiskError(what) from None
    except KeyboardInterrupt:
        emit(RunCancelled(None, 0, len(draft.plan.frames)))
    except Exception as error:
        what = f"a fault of the program, please report it: {type(error).__name__}: {first_line(error)}"
        emit(RunFailed(what))
        raise InternalError(what) from error


def _execute(draft: Draft, make_engine: EngineFactory, root: Path, emit: Emit, control: Control) -> None:
    engine = _load(draft, make_engine, emit)
    try:
        plan = draft.planned_for(engine.facts.sampling)
        _tell_notes(draft, plan, engine, emit)
        prompts = _fit_prompts(plan, engine, emit)
        engine.use_rows(_rows(plan, engine, emit))
        if control.stop.is_set() or control.finish.is_set():
            emit(RunCancelled(None, 0, len(plan.frames)))
            return
        _draw(draft, plan, engine, prompts, root, emit, control)
    finally:
        engine.close()


def _load(draft: Draft, make_engine: EngineFactory, emit: Emit) -> Engine:
    emit(ModelLoadStarted(draft.model.name))
    started = time.monotonic()
    engine = make_engine()
    facts = engine.facts
    seconds = time.monotonic() - started
    emit(ModelLoadCompleted(facts.model, facts.device, facts.dtype, facts.engine, seconds))
    return engine


def _tell_notes(draft: Draft, plan: Plan, engine: Engine, emit: Emit) -> None:
    for text in engine.facts.notices:
        emit(Notice("warning", text))
    for note in (*draft.loaded.notes, *plan.story.notes, *plan.notes):
        emit(Notice(note.level, note.text))


def _rows(plan: Plan, engine: Engine, emit: Emit) -> int:
    """As many as were asked for and the engine takes, or what is fastest."""
    wanted = plan.config.generation_config.rows
    if wanted is not None and wanted > engine.max_rows:
        emit(Notice("warning", f"rows = {wanted} has no effect: the {engine.facts.engine} engine draws one by one"))
    return choose_rows(plan, engine) if wanted is None else min(wanted, engine.max_rows)


def _fit_prompts(plan: Plan, engine: Engine, emit: Emit) -> Prompts:
    """What is sent to the model for each prompt and style, every prompt that loses words told of."""
    wanted: dict[str, dict[str, None]] = {}
    for frame in plan.frames:
        wanted.setdefault(plan.style_text(frame), {})[plan.prompt(frame)] = None
    sent: dict[tuple[str, str], str] = {}
    overflows: list[str] = []
    for style, prompts in wanted.items():
        for prompt, fitted in zip(prompts, engine.fit(list(prompts), style), strict=True):
            sent[prompt, style] = fitted.text
            if fitted.lost:
                overflows.append(f"longer than the model reads, lost: {fitted.lost!r} of {prompt[:60]!r}")
    for text in _shortened(overflows):
        emit(Notice("warning", text))
    return sent


def _shortened(lines: list[str]) -> Iterator[str]:
    yield from lines[:LISTED_OVERFLOWS]
    if len(lines) > LISTED_OVERFLOWS:
        yield f"and {len(lines) - LISTED_OVERFLOWS} more prompts that are too long"


def _draw(draft: Draft, plan: Plan, engine: Engine, prompts: Prompts, root: Path, emit: Emit, control: Control) -> None:
    folder = RunFolder.create(root, plan, datetime.now())
    try:
        folder.write_config(draft.resolved(engine.capacity))
        carry_over(draft.loaded.path, folder.path / "run.toml", draft.config)
        control.begun.set()
        emit(RunStarted(folder.path, len(plan.frames), plan.steps))
        if Loop(plan, engine, folder, prompts, emit, control).run():
            folder.remove_hidden_pictures()
    finally:
        folder.close()
