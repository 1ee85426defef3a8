"""Runs the program within its own process and writes what it left otherwise than it found it.

`python -m tests.process.knobs FILE WORDS...`; FILE gets one JSON object: {knob: [before, after]}.
"""

import gc
import json
import logging
import os
import signal
import sys
import warnings
from pathlib import Path

import torch
from textual.drivers import linux_driver

import sframes_tui.engine.models
from sframes_tui.cli import main
from sframes_tui.engine.loading.families import quiet

SIGNALS = sorted({*signal.Signals} - {signal.SIGKILL, signal.SIGSTOP})


def knobs():
    """What the program sets for the whole process, as text; not what libraries set as they are loaded."""
    streams = {name: getattr(sys, name) for name in ("stdout", "stderr", "__stdout__", "__stderr__")}
    cudnn = torch.backends.cudnn
    found = {
        "gc": (gc.isenabled(), gc.get_freeze_count(), gc.get_threshold()),
        "switch interval": sys.getswitchinterval(),
        "environment": sorted(os.environ.items()),
        "streams": {name: (id(stream), stream.errors, stream.encoding) for name, stream in streams.items()},
        "descriptors": [(os.fstat(number).st_rdev, os.fstat(number).st_ino) for number in range(3)],
        "signals": {each.name: str(signal.getsignal(each)) for each in SIGNALS},
        "hooks": [sys.excepthook, sys.displayhook, warnings.showwarning, sys.unraisablehook],
        "log handlers": logging.getLogger().handlers,
        "log levels": [logging.getLogger(name).level for name in ("", "torch", "diffusers", "transformers")],
        "torch threads": torch.get_num_threads(),
        "torch switches": (cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32, torch.is_grad_enabled()),
        "niceness": os.getpriority(os.PRIO_PROCESS, 0),
        "textual": (linux_driver.XTermParser, linux_driver.getincrementaldecoder),
        "working folder": str(Path.cwd()),
    }
    return {name: str(value) for name, value in found.items()}


if __name__ == "__main__":
    assert sframes_tui.engine.models
    quiet()  # what the libraries are told when a model is loaded stays with them
    before = knobs()
    code = main(sys.argv[2:])
    after = knobs()
    changed = {name: [value, after[name]] for name, value in before.items() if after[name] != value}
    Path(sys.argv[1]).write_text(json.dumps({"code": code, "changed": changed}))
