"""What is looked at before the first frame, a line each; refused is only what would surely fail. Must not import torch.

That the model loads and has what the plan needs, and that the regexes end, is known by then: loading and planning
raise otherwise.
"""

import time

from sframes_tui.engine.protocol import Engine, Facts
from sframes_tui.errors import DiskError
from sframes_tui.plan.plan import Plan
from sframes_tui.printable import counted
from sframes_tui.run.events import Emit, Notice
from sframes_tui.run.record.disk import Reserve, is_full
from sframes_tui.run.record.tree import Tree

BYTES_A_PIXEL = 2.0
"""Of a saved picture: photographs take 1.8, drawings less."""
GRIDS = 2
"""Every picture is saved once by itself and once in a grid."""


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
