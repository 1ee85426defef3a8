"""What one drawing of a run works with, and how it is made ready: the model is loaded, all is looked at, a line each.

Refused before the first frame is only what would surely fail. That the model has what the plan needs, and that the
regexes end, is known by then: loading and planning raise otherwise. Loop, archive and grids are handed a `Drawing`.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sframes_tui.engine.loading.download import waited_for
from sframes_tui.engine.protocol import Engine, EngineFactory, Facts, Fitted
from sframes_tui.errors import DiskError
from sframes_tui.plan.draft import Draft
from sframes_tui.plan.identity import VERSION, Identities, model_fingerprint, model_identity
from sframes_tui.plan.plan import Frame, Plan
from sframes_tui.printable import counted
from sframes_tui.run.events import Control, Emit, ModelDownload, ModelLoadCompleted, ModelLoadStarted, Notice
from sframes_tui.run.record.disk import Reserve, is_full
from sframes_tui.run.record.folder import RunFolder
from sframes_tui.run.record.journal import Journal
from sframes_tui.run.record.replay import Sheet
from sframes_tui.run.record.survey import Survey
from sframes_tui.run.record.takes import write_wishes
from sframes_tui.run.record.tree import Tree
from sframes_tui.run.row_count import choose_rows

BYTES_A_PIXEL = 2.0
"""Of a saved picture: photographs take 1.8, drawings less."""
GRIDS = 2
"""Every picture is saved once by itself and once in a grid."""
LISTED_OVERFLOWS = 100

Prompts = Mapping[tuple[str, str], Fitted]
"""(prompt, style text) -> what is sent to the model."""


@dataclass(frozen=True)
class Drawing:
    """A plan on its way into a run folder that this process has locked."""

    plan: Plan
    """As it is drawn now: with what is wanted otherwise of single frames."""
    identities: Identities
    """Of this plan."""
    folder: RunFolder
    journal: Journal
    survey: Survey
    """What to draw, and what has its picture."""
    facts: Facts
    prompts: Prompts
    fingerprint: str
    """The model's, for recipes."""
    grids: Mapping[str, Sheet] = field(default_factory=dict)
    """The grids that the journal tells of, by their files."""

    @property
    def size(self) -> tuple[int, int]:
        """Of every picture: width and height in pixels."""
        return self.facts.width, self.facts.height

    def fitted(self, frame: Frame) -> Fitted:
        """The frame's prompt as the model reads it."""
        return self.prompts[self.plan.prompt(frame), self.plan.style_text(frame)]

    def redo(self, frames: Sequence[Frame]) -> None:
        """Writes down that these get another take, as the plan has it, since their base got one. Raises `OSError`."""
        if frames:
            changes = {self.folder.picture_file(each): self.plan.changes[each.number] for each in frames}
            write_wishes(self.journal, changes)


@dataclass(frozen=True)
class ReadyEngine:
    """An engine that may begin to draw, and what its model makes of the plan."""

    engine: Engine
    plan: Plan
    """Without changes of single frames."""
    identities: Identities
    fingerprint: str
    """The model's, for recipes."""
    prompts: Prompts

    def prompts_of(self, plan: Plan) -> Prompts:
        """What is sent for the prompts of a plan in which single frames are changed."""
        prompts = dict(self.prompts)
        for frame in (plan.frames[number] for number in plan.changes):
            prompt, style = plan.prompt(frame), plan.style_text(frame)
            if (prompt, style) not in prompts:
                prompts[prompt, style] = self.engine.fit([prompt], style)[0]
        return prompts


@contextlib.contextmanager
def ready_engine(
    draft: Draft, make_engine: EngineFactory, emit: Emit, control: Control, version: int = VERSION
) -> Iterator[ReadyEngine]:
    """Loads a draft's model and looks at what it is to draw; frees the device at its end.

    `version` is that of the run's identities. Raises `SFramesError`; `KeyboardInterrupt` where the model's download is
    ended by `control`.
    """
    with contextlib.closing(_loaded(draft, make_engine, emit, control)) as engine:
        plan = draft.planned_for(engine.facts.sampling)
        model = draft.model_now
        known_as = model_identity(model, draft.config.generation_config, version)
        fingerprint = model_fingerprint(model)
        _tell_notes(draft, plan, engine, emit)
        check_story(plan, emit)
        check_model(engine, emit)
        # Once for all prompts as they are, so that what is too long is told before anything is made.
        prompts = check_prompts(plan, engine, emit)
        engine.use_rows(_rows(plan, engine, emit))
        yield ReadyEngine(engine, plan, Identities(plan, known_as, version), fingerprint, prompts)


def _loaded(draft: Draft, make_engine: EngineFactory, emit: Emit, control: Control) -> Engine:
    told = False

    def downloading(done: int, total: int, rate: float) -> None:
        """Every moment for whoever looks, and a line for the log at its begin."""
        nonlocal told
        if not told:
            emit(Notice("info", f"downloading {draft.model.name}, {total / 1e6:,.0f} MB, once"))
        told = True
        emit(ModelDownload(done, total, rate))

    emit(ModelLoadStarted(draft.model.name))
    started = time.monotonic()
    with waited_for(downloading, control.is_ending):
        engine = make_engine(draft)
    facts, took = engine.facts, time.monotonic() - started
    emit(ModelLoadCompleted(facts.model, facts.device, facts.dtype, facts.engine, took, facts.card, facts.kept))
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


def check_story(plan: Plan, emit: Emit) -> None:
    """Tells what the regexes made of the text."""
    chapters = plan.story.chapters
    prompts = sum(len(chapter.prompts) for chapter in chapters)
    emit(Notice("info", f"checked the text: {counted(len(chapters), 'chapter')}, {counted(prompts, 'prompt')}"))


def check_model(engine: Engine, emit: Emit) -> None:
    """Draws one step; raises `ModelError` where that shows that no frame can be drawn."""
    started = time.monotonic()
    remark = engine.probe()
    seconds = time.monotonic() - started
    if remark is not None:
        emit(Notice("warning", f"checked the model: {remark}"))
    else:
        emit(Notice("info", f"checked the model: one step gives finite numbers, in {seconds:.1f} s"))


def check_prompts(plan: Plan, engine: Engine, emit: Emit) -> Prompts:
    """What is sent to the model for each prompt and style, every prompt that loses words told of."""
    wanted: dict[str, dict[str, None]] = {}
    for frame in plan.frames:
        wanted.setdefault(plan.style_text(frame), {})[plan.prompt(frame)] = None
    sent: dict[tuple[str, str], Fitted] = {}
    overflows: list[str] = []
    for style, prompts in wanted.items():
        for prompt, fitted in zip(prompts, engine.fit(list(prompts), style), strict=True):
            sent[prompt, style] = fitted
            if fitted.lost:
                overflows.append(f"longer than the model reads, lost: {fitted.lost!r} of {prompt[:60]!r}")
    for text in _shortened(overflows):
        emit(Notice("warning", text))
    if not overflows:
        emit(Notice("info", "checked the prompts: the model reads every one whole"))
    return sent


def _shortened(lines: list[str]) -> Iterator[str]:
    yield from lines[:LISTED_OVERFLOWS]
    if len(lines) > LISTED_OVERFLOWS:
        yield f"and {len(lines) - LISTED_OVERFLOWS} more prompts that are too long"


def check_disk(tree: Tree, pictures: int, facts: Facts, emit: Emit) -> None:
    """Writes the reserve, for the only sure sign that a folder can be written is writing, and compares what is free.

    Raises `DiskError` where nothing can be written at all; too little space for the whole run is a warning, since a
    run waits where the disk is full.
    """
    try:
        Reserve(tree).make()
    except OSError as error:
        cure = "make space" if is_full(error) else "make it writable"
        raise DiskError(
            f"{tree.path}: nothing can be written there: {error.strerror}; {cure} or use --output"
        ) from None
    needed = round(pictures * facts.width * facts.height * BYTES_A_PIXEL * GRIDS)
    free = tree.free_bytes
    said = f"about {amount(needed)} for {counted(pictures, 'picture')} and their grids, {amount(free)} free"
    if needed > free:
        emit(Notice("warning", f"checked the disk: {said}; when it is full the run waits for space"))
    else:
        emit(Notice("info", f"checked the disk: {said}"))


def amount(size: int) -> str:
    """Bytes as a person says them: "640 kB", "1.2 GB"."""
    number, units = float(size), ["bytes", "kB", "MB", "GB", "TB"]
    while number >= 1000 and len(units) > 1:
        number, units = number / 1000, units[1:]
    return f"{number:.1f} {units[0]}" if number < 10 and units[0] != "bytes" else f"{number:.0f} {units[0]}"
