"""Shows with the built-in model that a run outlives its terminal; `python -m tests.processes.shown [FOLDER]`.

A run is started on the screen in tmux, the tmux server is killed, the run is attached to from another process and
finishes; then its pictures and grids are compared, byte by byte, with those of a run that nothing disturbed.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.processes.started import ROOT, until

KILL_AFTER = 5
"""Pictures."""
LONG = 600.0
"""Seconds: a busy machine takes minutes to load a model."""
START = "C-r"
TUI = [sys.executable, str(ROOT / "tui.py")]


def say(line):
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


def run_folder(root):
    return next((path.parent for path in root.rglob("run.toml")), None)


def pictures(root):
    """Name -> bytes of every picture and grid of the one run below `root`."""
    folder = run_folder(root)
    return {path.name: path.read_bytes() for path in folder.glob("*.png")} if folder else {}


def undisturbed(config, root):
    begun = time.monotonic()
    subprocess.run([*TUI, config, "--batch", "--output", root], check=True, capture_output=True)
    say(f"undisturbed: {len(pictures(root))} files in {time.monotonic() - begun:.0f} s")


def start_on_the_screen(tmux, config, root):
    """Presses start until there is a run, then waits for some pictures."""
    command = shlex.join([*TUI, str(config), "--output", str(root)])
    subprocess.run([*tmux, "new-session", "-d", "-x", "120", "-y", "40", command], check=True)
    asked = float("-inf")

    def drawn():
        nonlocal asked
        if run_folder(root) is None and time.monotonic() - asked > 5:
            subprocess.run([*tmux, "send-keys", START], check=True)
            asked = time.monotonic()
        return len(pictures(root)) >= KILL_AFTER

    until(drawn, "the first pictures", LONG)


def main(folder):
    config, tmux = folder / "shown.toml", ["tmux", "-S", str(folder / "tmux"), "-f", os.devnull]
    shutil.copytree(ROOT / "configs", folder, dirs_exist_ok=True)
    text = (folder / "lighthouse.toml").read_text()
    config.write_text(text.replace("num_inference_steps = ", "num_inference_steps = 6 # "))
    undisturbed(config, folder / "undisturbed")
    start_on_the_screen(tmux, config, folder / "disturbed")
    run = run_folder(folder / "disturbed")
    status = json.loads(subprocess.run([*TUI, "status", run, "--json"], check=True, capture_output=True).stdout)
    subprocess.run([*tmux, "kill-server"], check=True)
    say(f"tmux server killed with {status['there']} of {status['frames']} pictures there, {status['holder']}")
    watched = subprocess.run([*TUI, "attach", run, "--batch"], check=False, capture_output=True, text=True)
    say(f"attached from another process: exit code {watched.returncode}, {len(watched.stdout.splitlines())} paths told")
    say(f"its last line: {watched.stderr.splitlines()[-1]}")
    one, other = pictures(folder / "undisturbed"), pictures(folder / "disturbed")
    same = sum(one[name] == other.get(name) for name in one)
    say(f"{same} of {len(one)} files hold the same bytes; {len(other.keys() - one.keys())} are there only in one")
    return 0 if one and one == other else 1


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="sframes-shown-") as made:
        sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else made)))
