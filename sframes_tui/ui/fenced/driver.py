"""Textual's way to the terminal, made to bear one that stands still or is gone.

Textual's own writer makes the whole screen wait for a terminal that isn't read, ends with the first failed write, and
its answer to SIGCONT opens the screen a second time where nothing had been stopped.
"""

import os
import queue
import threading
from collections.abc import Callable
from typing import Any

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

WAITING_WRITES = 60
"""What the terminal may be behind before the screen leaves updates out."""

PATIENCE = 2.0
"""Seconds for the terminal to take the last words."""

END_SYNC = "\x1b[?2026l"
"""Ends an update that was left out halfway."""


class Output(threading.Thread):
    """Writes to the terminal; whoever hands it something never waits."""

    def __init__(self, descriptor: int, encoding: str, caught_up: Callable[[], object]) -> None:
        """`caught_up` is called from this thread once the terminal took all, after updates were left out."""
        super().__init__(name="terminal-output", daemon=True)
        self._descriptor, self._encoding, self._caught_up = descriptor, encoding, caught_up
        self._texts: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._left_out = self._closing = False

    def write(self, text: str) -> None:
        if self._closing or self._texts.qsize() < WAITING_WRITES:
            self._texts.put(text)
        else:
            self._left_out = True

    def offer(self, text: str) -> bool:
        """Writes what mustn't be left out, if the terminal keeps up; returns whether it did."""
        if not self._closing and self._texts.qsize() >= WAITING_WRITES // 2:
            return False
        self._texts.put(text)
        return True

    def begin_to_close(self) -> None:
        """Drops what waits: the screen is about to vanish. What is written from here on is never left out."""
        while not self._texts.empty():
            self._texts.get()
        self._left_out, self._closing = False, True
        self.write(END_SYNC)

    def close(self) -> None:
        """Waits a little for the terminal to take the rest."""
        self._texts.put(None)
        self.join(PATIENCE)

    def run(self) -> None:
        gone = False
        while (text := self._texts.get()) is not None:
            gone = gone or not self._write(text)
            if self._left_out and self._texts.empty():
                self._left_out = False
                self._caught_up()

    def _write(self, text: str) -> bool:
        """Past Python's buffer, whose lock a write without end would hold while the program ends."""
        data = memoryview(text.encode(self._encoding, "backslashreplace"))
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:
            return False
        return True


class SteadyDriver(LinuxDriver):
    """Draws through an `Output`."""

    _output: Output | None = None

    def start_application_mode(self) -> None:
        if self._file is not None:
            self._output = Output(self._file.fileno(), self._file.encoding, self._draw_all)
            self._output.start()
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual's own has no annotations.

    def _draw_all(self) -> None:
        self._app.call_later(self._app.refresh)

    def write(self, data: str) -> None:
        if self._output is not None:
            self._output.write(data)

    def offer(self, data: str) -> bool:
        """As `Output.offer`."""
        return self._output is not None and self._output.offer(data)

    def stop_application_mode(self) -> None:
        if self._output is not None:
            self._output.begin_to_close()
        super().stop_application_mode()

    def close(self) -> None:
        super().close()
        if self._output is not None:
            self._output.close()

    def _sigcont_application(self, *arguments: Any) -> None:
        """Only after SIGTSTP: the kernel sends SIGCONT along with SIGHUP as well."""
        if self._must_signal_resume:
            super()._sigcont_application(*arguments)


def writer(app: App[object]) -> Callable[[str], bool]:
    """Writes control sequences in order with the screen's own output; nothing where there is no terminal.

    Gives False where the terminal is far behind, and nothing was written.
    """

    def write(text: str) -> bool:
        driver = app._driver
        if isinstance(driver, SteadyDriver):
            return driver.offer(text)
        if driver is not None and not app.is_headless:
            driver.write(text)
        return True

    return write
