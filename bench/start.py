"""The time to the first picture, beside a bare diffusers script that draws the same one: `python -m bench start`.

Each pair is two fresh processes, one after the other: `tui.py --batch` drawing one picture, and `bench.start_bare`. A
third process tells the phases of ours: imports, load, checks, first frame. Told are the medians, in seconds by the
clock and of the processor, and the ratio pair by pair. `--json` gives the same as data.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sframes_tui.config.file import load_config
from sframes_tui.plan.draft import make_draft

ROOT = Path(__file__).resolve().parent.parent
PHASES = ("python", "imports", "load", "checks", "first frame", "end")
CONFIG = """
[prompt_config]
source = {source}
[generation_config]
model = {model}
num_inference_steps = {steps}
scheduler = "DDIM"
guidance_scale = 7.5
eta = 0.0
seed = 7
preview = "off"
rows = 1
[[style_configs]]
style = "in oil"
file_tag = "oil"
weight = 0.7
"""


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        result = measured(Path(scratch), arguments.model, arguments.steps, arguments.pairs)
    print(json.dumps(result, indent=2) if arguments.json else as_table(result))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench start", description=__doc__)
    parser.add_argument("--pairs", type=int, default=5, help="how often each is started (default %(default)s)")
    parser.add_argument("--model", default="builtin:picturebook", help="a model, as in a configuration")
    parser.add_argument("--steps", type=int, default=20, help="denoising steps (default %(default)s)")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def measured(scratch: Path, model: str, steps: int, pairs: int) -> dict[str, Any]:
    """Seconds of each start, by the clock and of the processor; whether both drew the same picture."""
    config = scratch / "start.toml"
    (scratch / "story.txt").write_text("a red house by the sea")
    values = {"source": json.dumps(str(scratch / "story.txt")), "model": json.dumps(model), "steps": steps}
    config.write_text(CONFIG.format(**values))
    plan = make_draft(load_config(config)).plan
    bare_picture, seed = scratch / "bare.png", str(plan.frame_seed(plan.frames[0]))
    ours, bare, phases = [], [], []
    for number in range(pairs):
        output = scratch / str(number)
        ours.append(_run([sys.executable, "tui.py", str(config), "--batch", "--output", str(output)]))
        bare.append(_run([sys.executable, "-m", "bench.start_bare", str(config), str(bare_picture), seed]))
        phases.append(_phases(config, scratch / f"phases {number}"))
    (picture,) = (scratch / "0").rglob("oil 0-0.png")
    first, second = (np.asarray(Image.open(path), np.int16) for path in (picture, bare_picture))
    ratios = [mine["seconds"] / theirs["seconds"] for mine, theirs in zip(ours, bare, strict=True)]
    spent = [mine["processor"] / theirs["processor"] for mine, theirs in zip(ours, bare, strict=True)]
    return {
        "ours": ours,
        "bare": bare,
        "phases": phases,
        "ratio": statistics.median(ratios),
        "processor_ratio": statistics.median(spent),
        "largest_difference": int(np.abs(first - second).max()),
    }


def _run(command: Sequence[str]) -> dict[str, float]:
    """Seconds of a process from its start to its end, and of the processor."""
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    if process.returncode or status:
        sys.exit(f"{' '.join(command)} failed:\n{said}")
    return {"seconds": seconds, "processor": usage.ru_utime + usage.ru_stime}


def _phases(config: Path, output: Path) -> dict[str, list[float]]:
    """Phase -> seconds by the clock and of the processor, in a process that runs what `--batch` runs."""
    command = [sys.executable, "-m", "bench.start_phases", str(config), str(output)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    phases: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    return phases


def as_table(result: dict[str, Any]) -> str:
    lines = ["                    seconds   processor"]
    for name in ("ours", "bare"):
        both = [statistics.median(each[kind] for each in result[name]) for kind in ("seconds", "processor")]
        lines.append(f"{name:<18} {both[0]:8.2f} {both[1]:11.2f}")
    for phase in PHASES:
        both = [statistics.median(each[phase][kind] for each in result["phases"]) for kind in (0, 1)]
        lines.append(f"  {phase:<16} {both[0]:8.2f} {both[1]:11.2f}")
    lines.append(f"{'ours / bare':<18} {result['ratio']:8.3f} {result['processor_ratio']:11.3f}")
    lines.append(f"the pictures differ by at most {result['largest_difference']} of 255")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
