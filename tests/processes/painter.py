"""The program itself with an engine that paints plain colours, one step for each byte of a pipe.

Run as `python -m tests.processes.painter ARGUMENTS`; `SFRAMES_GATE` names the pipe. A `!` lets all later steps pass.
"""

import os
import select
import sys

from sframes_tui import cli
from sframes_tui.engine.model_cache import ModelCache
from tests.processes.started import STEPS
from tests.run.paint import PaintEngine

OPEN = b"!"
LOOK_SECONDS = 0.02


class GatedEngine(PaintEngine):
    """Waits for the test before each step."""

    def __init__(self, plan):
        super().__init__(plan, steps=STEPS)
        self._gate = os.open(os.environ["SFRAMES_GATE"], os.O_RDONLY | os.O_NONBLOCK)
        self._open = False

    def advance(self, report, cancelled):
        while not self._open and not cancelled.is_set():
            if select.select([self._gate], [], [], LOOK_SECONDS)[0]:
                self._open = os.read(self._gate, 1) == OPEN
                break
        return super().advance(report, cancelled)


def load(draft):
    """With `SFRAMES_LOADS` a model that loads for as long as there is that file."""
    while os.path.exists(os.environ.get("SFRAMES_LOADS", "")):  # noqa: PTH110
        select.select([], [], [], LOOK_SECONDS)
    return GatedEngine(draft.plan)


cli._load_engine = load
ModelCache.engine_for = lambda _, draft: load(draft)
ModelCache.prepare = lambda *_: iter(())
"""What paints needs no model's libraries: to import them ahead would take seconds beside what is tested."""

if __name__ == "__main__":
    sys.exit(cli.main())
