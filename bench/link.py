"""Keys over a slow line while pictures come in: `python -m bench link`.

The program draws 512 x 512 pictures of noise (the worst there is to send) with previews, in a pseudo-terminal that is
read at 2 Mbit/s. Told are the bytes a second, and the time from a key's bytes to its echo in the log's search box.
"""

import os
import select
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from bench.pseudo_terminal import READ_BYTES, PseudoTerminal
from bench.screen import PATIENCE, ROOT, SIZE, environ, key_seconds, tell_keys
from sframes_tui.engine.protocol import Drawn, Engine, Facts, Fitted, Job, Outcome, Progress
from sframes_tui.model.sampling import Sampling
from sframes_tui.plan.draft import Draft

BYTES_A_SECOND = 250_000
SLICE_SECONDS = 0.005
STEP_SECONDS = 0.1
"""Three styles of 20 steps or fewer: a picture every second or two."""
KEYS = 60


class NoiseEngine:
    """Draws noise, one picture at a time, at the pace of a fast GPU."""

    capacity, max_rows, stepwise, pinned = 1, 1, True, False

    def __init__(self, steps: int = 15) -> None:
        self.facts = Facts("noise", "Noise", Sampling(scheduler="DDIM"), 512, 512, "cpu", "float32", "none", "noise")
        self._steps, self._jobs = steps, list[Job]()

    def probe(self) -> str | None:
        return None

    def call_seconds(self, rows: int) -> float:
        return STEP_SECONDS * rows

    def use_rows(self, rows: int) -> None:
        assert rows == 1

    def has_room(self, slot: int) -> bool:
        return slot == 0 and not self._jobs

    def fit(self, prompts: Sequence[str], style: str) -> list[Fitted]:
        return [Fitted(f"{prompt} {style}") for prompt in prompts]

    def admit(self, job: Job) -> None:
        self._jobs.append(job)

    def advance(self, report: Callable[[Progress], None], cancelled: threading.Event) -> list[Outcome]:
        job = self._jobs.pop()
        for step in range(self._steps):
            if cancelled.wait(STEP_SECONDS):
                return []
            report(Progress(job.frame, step + 1, self._steps, lambda: _noise(64)))
        return [Drawn(job.frame, _noise(512))]

    def rest(self) -> bool:
        return False

    def wake(self) -> None:
        pass

    def close(self) -> None:
        self._jobs.clear()


def _noise(side: int) -> Image.Image:
    return Image.merge("RGB", [Image.effect_noise((side, side), 90) for _ in range(3)])


class SlowTerminal(PseudoTerminal):
    """Takes so many bytes a second, a slice at a time."""

    def _read(self) -> None:
        begun, taken = time.monotonic(), 0
        while True:
            time.sleep(SLICE_SECONDS)
            passed = time.monotonic() - begun
            # What wasn't used isn't saved up: a line carries no more later for having been idle.
            room = min(int(passed * BYTES_A_SECOND) - taken, READ_BYTES)
            if not select.select([self._ours], [], [], 0)[0]:
                taken = int(passed * BYTES_A_SECOND)
                continue
            try:
                data = os.read(self._ours, max(1, room))
            except OSError:
                return
            taken += len(data)
            self.take(data)


def draw(protocol: str, output: str) -> int:
    """The program itself, with the engine of noise."""
    from sframes_tui.ui.start import run_screen

    def make(_: Draft) -> Engine:
        return NoiseEngine()

    return run_screen(ROOT / "configs/lighthouse.toml", make, Path(output), protocol=protocol)


def measure(protocol: str, folder: Path) -> None:
    command = [sys.executable, "-m", "bench.link", protocol, str(folder)]
    far = environ(folder) | {"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"}
    terminal = SlowTerminal(command, *SIZE, far, ROOT)
    try:
        terminal.wait_for(b"Quit", PATIENCE)
        terminal.type(b"\x12")
        terminal.wait_for(b"it/s", PATIENCE)
        terminal.type(b"\x1b[15~")
        terminal.pause(1)
        terminal.type(b"/")
        terminal.pause(1)
        begun, before = terminal.now(), len(terminal.output)
        taken = key_seconds(terminal, KEYS)
        rate = (len(terminal.output) - before) / (terminal.now() - begun)
        tell_keys(protocol, taken)
        print(f"     {protocol:<14} {rate / 1000:.0f} KB a second of {BYTES_A_SECOND // 1000}")
        before, begun = len(terminal.output), terminal.now()
        terminal.pause(15)
        rate = (len(terminal.output) - before) / (terminal.now() - begun)
        print(f"     {'nobody types':<14} {rate / 1000:.0f} KB a second")
    finally:
        terminal.close()


def main() -> int:
    if len(sys.argv) == 3:
        return draw(*sys.argv[1:])
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {BYTES_A_SECOND * 8 / 1e6:.0f} Mbit/s")
    for protocol in ("off", "halfcell", "sixel", "kitty"):
        with tempfile.TemporaryDirectory() as name:
            measure(protocol, Path(name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
