"""A program in a pseudo-terminal that answers like a plain xterm, and when each of its bytes came."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

DEVICE_QUESTION, DEVICE_ANSWER = b"\x1b[c", b"\x1b[?62;c"
READ_BYTES = 65_536


class PseudoTerminal:
    """Starts a program in a terminal of its own; everything it writes is read at once."""

    def __init__(
        self, command: Sequence[str], columns: int, lines: int, environ: dict[str, str], folder: Path | None = None
    ) -> None:
        self._ours, theirs = pty.openpty()
        self.resize(columns, lines)
        # Whoever measures or tests may have been started with a size of its own, which would count as the terminal's.
        environ = {name: value for name, value in environ.items() if name not in ("COLUMNS", "LINES")}
        self.started = time.monotonic()
        self._process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=environ, cwd=folder, start_new_session=True
        )
        os.close(theirs)
        self._came = threading.Condition()
        self.output = b""
        self._times: list[tuple[int, float]] = []
        """(length of the output so far, when it came to that)."""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._ours, READ_BYTES)
            except OSError:
                return  # The program closed its end.
            self.take(data)

    def take(self, data: bytes) -> None:
        """What the program wrote has come."""
        with self._came:
            new = (self.output[-len(DEVICE_QUESTION) + 1 :] + data).count(DEVICE_QUESTION)
            self.output += data
            self._times.append((len(self.output), time.monotonic()))
            self._came.notify_all()
        if new:
            self.type(DEVICE_ANSWER)

    def type(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def wait_for(self, text: bytes, seconds: float, start: int = 0) -> float:
        """When `text` had come, looking from byte `start` on; raises `TimeoutError`."""
        with self._came:
            if not self._came.wait_for(lambda: text in self.output[start:], seconds):
                raise TimeoutError(f"{text!r} did not come in {seconds} s, but {self.output[-500:]!r}")
            end = self.output.index(text, start) + len(text)
            return next(when for length, when in self._times if length >= end)

    def cpu_seconds(self) -> float:
        """What the program has used of the processors so far."""
        times = psutil.Process(self._process.pid).cpu_times()
        return times.user + times.system

    def now(self) -> float:
        """On the clock of `wait_for`."""
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        """Time in which nobody types."""
        time.sleep(seconds)

    def wait(self, seconds: float) -> int:
        """The program's exit code once it has ended; raises `subprocess.TimeoutExpired`."""
        return self._process.wait(seconds)

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._ours)
