"""The real program with an engine that paints shaded pictures, so that a mirrored or shifted one is found out."""

import sys
from pathlib import Path

from PIL import Image

from sframes_tui.engine.protocol import Drawn, Progress
from sframes_tui.ui.start import run_screen
from tests.run.paint import PaintEngine


def shaded(number):
    """A picture of its own for each frame."""
    across = Image.linear_gradient("L").rotate(90).resize((64, 64))
    down = Image.linear_gradient("L").resize((64, 64))
    return Image.merge("RGB", (across, down, Image.new("L", (64, 64), number * 40 % 256)))


class ShadedEngine(PaintEngine):
    """Frames are gradients, their previews grey. No frame ends while the file "held" is there."""

    def __init__(self, plan, held):
        super().__init__(plan)
        self._held = held

    def _outcome(self, job):
        return Drawn(job.frame, shaded(job.frame))

    def advance(self, report, cancelled):
        def with_preview(progress):
            report(Progress(progress.frame, progress.step, progress.steps, lambda: shaded(7).convert("L")))

        while self._held.exists() and not cancelled.wait(0.01):
            pass
        return super().advance(with_preview, cancelled)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    sys.exit(run_screen(path, lambda draft: ShadedEngine(draft.plan, path.parent / "held"), path.parent / "output"))
