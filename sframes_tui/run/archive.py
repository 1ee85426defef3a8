"""Finished pictures and grids on their way to the run folder. Must not import torch."""

import time
from collections.abc import Mapping
from itertools import chain
from pathlib import Path

from PIL import Image

from sframes_tui.engine.protocol import Facts
from sframes_tui.run import png
from sframes_tui.run.events import ChapterCompleted, Event, FrameCompleted
from sframes_tui.run.folder import RunFolder
from sframes_tui.run.grid import make_grid
from sframes_tui.run.writer import Writer
from sframes_tui.story.plan import Frame, Plan

Prompts = Mapping[tuple[str, str], str]
"""(prompt, style text) -> what is sent to the model."""


class Archive:
    """Saves pictures in the order given and a chapter's grids after its last one."""

    def __init__(self, plan: Plan, folder: RunFolder, prompts: Prompts, facts: Facts) -> None:
        self._plan, self._folder, self._prompts, self._facts = plan, folder, prompts, facts
        self.writer = Writer()
        self._unsettled = {key: len(plan.chapter_frames(*key)) for key in plan.chapter_keys}

    def save(self, frame: Frame, picture: Image.Image, base: Image.Image | None, started: float) -> None:
        """Queues a picture; `started` is `time.monotonic()` of the frame's beginning."""

        def task() -> Event:
            path = self._folder.picture(frame)
            base_pixels = None if base is None else png.pixel_hash(base)
            sent = self._prompts[self._plan.prompt(frame), self._plan.style_text(frame)]
            recipe = png.recipe(self._plan, frame, sent, self._facts, base_pixels)
            self._folder.write(path, png.encode(picture, png.picture_info(recipe)))
            return FrameCompleted(frame.number, path, time.monotonic() - started)

        self.writer.submit(task)

    def settle(self, frame: Frame) -> None:
        """Counts a frame as drawn, failed or skipped; the last one of its chapter queues the grids."""
        key = (frame.variant, frame.chapter)
        self._unsettled[key] -= 1
        if self._unsettled[key] == 0:
            self.writer.submit(lambda: self._write_grids(*key))

    def _write_grids(self, variant: int, chapter: int) -> Event:
        grids = []
        for style in range(len(self._plan.tags)):
            if pictures := self._grid_pictures(variant, style, chapter):
                sheet = make_grid(pictures, (self._facts.width, self._facts.height))
                grids.append(self._folder.grid(variant, style, chapter))
                self._folder.write(grids[-1], png.encode(sheet))
        return ChapterCompleted(variant, chapter, tuple(grids))

    def _grid_pictures(self, variant: int, style: int, chapter: int) -> list[Path]:
        """What was drawn of the chapter, or of the run so far."""
        whole_run = self._plan.config.generation_config.grid_scope == "run"
        chapters = range(0 if whole_run else chapter, chapter + 1)
        frames = chain.from_iterable(self._plan.chapter_frames(variant, each) for each in chapters)
        paths = [self._folder.picture(frame) for frame in frames if frame.style == style]
        return [path for path in paths if path.exists()]
