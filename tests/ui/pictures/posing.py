"""A pseudo-terminal that poses as some terminal: it answers questions, keeps what it is sent, and presses keys."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pyte

DEADLINE = 60.0
MESSAGE = re.compile(rb"\x1b[P_].*?\x1b\\", re.DOTALL)
"""What a terminal is told that is no text."""
UNFINISHED = re.compile(rb"\x1b(?:[P_].*)?\Z", re.DOTALL)
XTERM = {b"\x1b[>q": b"\x1bP>|XTerm(379)\x1b\\", b"\x1b[16t": b"\x1b[6;16;8t", b"\x1b[c": b"\x1b[?64;1;4c"}
KITTY = {
    b"a=q": b"\x1b_Gi=31;OK\x1b\\",
    b"\x1b[>q": b"\x1bP>|kitty(0.38.1)\x1b\\",
    b"\x1b[16t": b"\x1b[6;16;8t",
    b"\x1b[c": b"\x1b[?62;c",
}


class Posing:
    """A program in a pseudo-terminal; `answers` gives what follows on each question, whenever `answer` is called."""

    def __init__(self, arguments, home, answers, size=(120, 40)):
        self.output, self._answers = b"", dict(answers)
        self._painted, self._fed = pyte.Screen(*size), 0
        self._stream = pyte.ByteStream(self._painted)
        self.terminal, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", size[1], size[0], 0, 0))
        names = ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV")
        environ = {name: os.environ[name] for name in names if name in os.environ}
        environ |= {"HOME": str(home), "TERM": "xterm-256color", "PYTHONPATH": str(Path.cwd()), "LANG": "C.UTF-8"}
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env=environ,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)

    def answer(self):
        """What the questions so far call for, each once."""
        for question in [each for each in self._answers if each in self.output]:
            os.write(self.terminal, self._answers.pop(question))

    def press(self, keys):
        os.write(self.terminal, keys)

    def resize(self, columns, rows):
        self._painted.resize(rows, columns)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def until(self, happened, answering=True):
        """Reads until `happened(output)` gives something true, and returns that."""
        deadline = time.monotonic() + DEADLINE
        while not (found := happened(self.output)):
            assert time.monotonic() < deadline, f"waited in vain before:\n{self.screen}"
            if select.select([self.terminal], [], [], 0.1)[0]:
                self.output += self._read()
            if answering:
                self.answer()
        return found

    @property
    def screen(self):
        """The text that can be read in the terminal."""
        text = MESSAGE.sub(b"", self.output[self._fed :])
        if unfinished := UNFINISHED.search(text):
            text = text[: unfinished.start()]
        self._stream.feed(text)
        self._fed = len(self.output) - (len(unfinished[0]) if unfinished else 0)
        return "\n".join(self._painted.display)

    def _read(self):
        try:
            return os.read(self.terminal, 65_536)
        except OSError:  # its other end is closed
            return b""

    def end(self):
        """Leaves by its key, by yes where a run is still under way, and gives the exit code."""
        before = len(self.output)
        self.press(b"\x11")
        if self.until(lambda output: self.process.poll() is not None or b"pictures are drawn" in output[before:]):
            self.press(b"y")
        self.until(lambda _: self.process.poll() is not None)
        return self.process.returncode
