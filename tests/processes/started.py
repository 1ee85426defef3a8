"""Processes of the program for tests: started, watched by what they leave on disk, always ended."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DEADLINE = 60.0
AGAIN_SECONDS = 3.0
CONFIG = """[prompt_config]
source = "story.txt"
chapter_split_regex = 'Chapter \\d+'

[generation_config]
model = "builtin:picturebook"
num_inference_steps = 4
seed = 3
rows = 1

[[style_configs]]
style = "oil painting"
file_tag = "oil"
weight = 0.9

[[style_configs]]
style = "fog"
file_tag = "fog"
weight = 0.5
"""
STORY = "Chapter 1 One\na boat\na house\nChapter 2 Two\na lamp\nthe sea\n"
FRAMES = 8
STEPS = 4
"""Of each frame, for the painter."""


def until(true, what, seconds=DEADLINE):
    """Waits for something that another process does; fails where that takes impossibly long."""
    end = time.monotonic() + seconds
    while not (answer := true()):
        assert time.monotonic() < end, f"never came: {what}"
        select.select([], [], [], 0.02)
    return answer


class Gate:
    """The pipe that lets a painter go on."""

    def __init__(self, path):
        os.mkfifo(path)
        self.path = path
        self._pipe = os.open(path, os.O_RDWR)

    def steps(self, number):
        os.write(self._pipe, b"." * number)

    def open(self):
        os.write(self._pipe, b"!")

    def close(self):
        os.close(self._pipe)


class Terminal:
    """A pseudo-terminal: the test reads its master end, or doesn't."""

    def __init__(self):
        self.master, self.slave = pty.openpty()
        termios.tcsetwinsize(self.slave, (48, 160))
        self.seen = b""
        self._typed = float("-inf")

    def read(self):
        """Takes what came; whether anything did."""
        before = len(self.seen)
        while select.select([self.master], [], [], 0)[0]:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                break
            if not data:
                break
            self.seen += data
        return len(self.seen) > before

    def shows(self, wanted):
        self.read()
        return wanted in self.seen

    @staticmethod
    def stuff(program):
        """Fills the terminal's buffer, as a link that stands still does; False once it takes no more."""
        terminal = os.open(f"/proc/{program.process.pid}/fd/0", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            return os.write(terminal, b" " * 4096) > 0
        except BlockingIOError:
            return False
        finally:
            os.close(terminal)

    def type(self, keys):
        os.write(self.master, keys)

    def typed(self, keys):
        """Types keys once more, where the last ones had no effect for a while."""
        if time.monotonic() - self._typed > AGAIN_SECONDS:
            self.type(keys)
            self._typed = time.monotonic()

    def close(self):
        """As sshd does when the link is gone."""
        with contextlib.suppress(OSError):
            os.close(self.master)


def environment(gate):
    """Of a process whose engine waits at a gate."""
    return {**os.environ, "SFRAMES_GATE": str(gate.path), "TERM": "xterm-256color", "OMP_NUM_THREADS": "1"}


class Program:
    """One process of the program; with a terminal it is its session's controlling one, as in a login."""

    def __init__(self, arguments, gate, terminal=None, controlling=True, **streams):
        if terminal is not None:
            streams = dict.fromkeys(("stdin", "stdout", "stderr"), terminal.slave) | streams
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.processes.painter", *map(str, arguments)],
            cwd=ROOT,
            env=environment(gate),
            start_new_session=True,
            preexec_fn=_make_controlling if terminal is not None and controlling else None,
            **streams,
        )
        if terminal is not None:
            os.close(terminal.slave)

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        """The exit code, negative where a signal killed it."""
        return self.process.wait(DEADLINE)

    @property
    def alive(self):
        return self.process.poll() is None

    def cpu_seconds(self):
        """Used so far, by all its threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def idle(self):
        """Whether it hardly computes, as one that waits does, and one that spins on a dead terminal doesn't."""
        before, begun = self.cpu_seconds(), time.monotonic()
        until(lambda: time.monotonic() - begun > 2.0, "the end of the measured span")
        return self.cpu_seconds() - before < 0.1

    def stopped(self):
        """Whether a signal keeps it from running."""
        return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    def holds_terminal(self):
        """Whether any descriptor still leads to one."""
        links = []
        for each in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                links.append(str(each.readlink()))
        return any(link.startswith("/dev/pts") for link in links)

    def end(self):
        if self.alive:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


def _make_controlling():
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
