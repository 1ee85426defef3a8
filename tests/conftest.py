"""What holds for all tests: the user's own files are left alone, and what the processes of a run needed is told.

What is set here in the environment is set before anything of the program is imported, and for the workers of pytest
and the processes that tests start.
"""

import contextlib
import os
import tempfile
from pathlib import Path

import pytest

HOME = tempfile.TemporaryDirectory(prefix="sframes-tests-")

for kind in ("CACHE", "CONFIG", "DATA", "STATE"):
    os.environ[f"XDG_{kind}_HOME"] = os.path.join(HOME.name, kind.lower())  # noqa: PTH118

# Torch's threads sleep while they wait for each other: on a machine whose cores are all busy, they would use up the
# time that the awaited one needs.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# Else each of a process's many threads keeps freed memory for itself.
os.environ.setdefault("MALLOC_ARENA_MAX", "2")

PEAK = pytest.StashKey[tuple[int, str]]()
"""The most MiB that this process has held, and the test that was running then."""
PEAKS = pytest.StashKey[dict[str, tuple[int, str]]]()
"""The same of every worker."""


def _mebibytes() -> int:
    """The most that this process has held so far, or since a test had the system begin to count anew."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) // 1024
    return 0


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item):
    now = (_mebibytes(), item.nodeid)
    stash = item.config.stash
    if now[0] > stash.get(PEAK, (0, ""))[0]:
        stash[PEAK] = now


def pytest_sessionfinish(session):
    peak = session.config.stash.get(PEAK, (0, "no test"))
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["peak"] = peak
    else:
        session.config.stash.setdefault(PEAKS, {})["this process"] = peak


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):  # noqa: ARG001 - as pytest-xdist calls it
    if peak := getattr(node, "workeroutput", {}).get("peak"):
        node.config.stash.setdefault(PEAKS, {})[node.gateway.id] = tuple(peak)


def pytest_terminal_summary(terminalreporter, config):
    for name, (size, test) in sorted(config.stash.get(PEAKS, {}).items()):
        if test != "no test":
            terminalreporter.write_line(f"{name} held at most {size} MiB, by the end of {test}")
