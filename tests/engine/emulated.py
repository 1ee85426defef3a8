"""Engines on the emulated CUDA: loaded by the program's own way, and plans drawn with them."""

import threading

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.models import load_engine
from tests.engine.drawing import Drawing, configured, planned

STEPS = 3


def loaded(folder, device="cuda", rows=1, weights=(0.7, 0.4), prompts=2, **options):
    """(engine, plan): the model in that folder, and two chains of two pictures, the first of which start from noise."""
    config = configured(weights, prompts, **{"num_inference_steps": STEPS, "interleave": False, **options})
    generation = {**config.generation_config.model_dump(), "model": str(folder), "device": device}
    engine = load_engine(GenerationConfig(**generation))
    if rows > 1:
        engine.use_rows(rows)
    return engine, planned(engine.pipelines, config)


class Viewer:
    """Looks at every preview from a thread of its own, as a screen does."""

    def __init__(self):
        self.seen, self.errors = [], []

    def __call__(self, progress):
        if progress.preview is not None:
            thread = threading.Thread(target=self._look, args=(progress.preview,))
            thread.start()
            thread.join()

    def _look(self, preview):
        try:
            self.seen.append(preview())
        except Exception as error:  # it would be lost with the thread
            self.errors.append(error)


def draw(folder, report=lambda _: None, **options):
    engine, plan = loaded(folder, **options)
    try:
        return Drawing(plan, engine, report=report)
    finally:
        engine.close()
