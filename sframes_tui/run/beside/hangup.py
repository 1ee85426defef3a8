"""Signals and lost terminals: a run outlives both.

SIGHUP, and a terminal that is closed without one, lets the terminal go while the run goes on to its end. SIGTERM and
SIGINT finish the frames in hand; a second one stops within a denoising step, a third ends the process where it is.
The signals by which batch systems warn of the end finish the frames in hand as well, however often they come: Slurm
sends one some time before the limit, then SIGTERM, which finds the run ending already, then SIGKILL.
"""

import contextlib
import itertools
import os
import queue
import select
import signal
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # Only for its type: the screen comes by here before it has loaded what draws.
    from sframes_tui.run.events import Control

PATIENCE = 5.0
"""Seconds that a front end may take to return, before the process ends without it."""

WARNINGS = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU)
"""What the end of a job, or of its computing time, is announced by."""

STANDARD = range(3)
"""Descriptors of the standard streams."""

LEAVE_SCREEN = b"\x1b[<u\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1004l\x1b[?7h\x1b[?1049l\x1b[?25h"
"""Undoes what a full-screen program asks of a terminal: keyboard, mouse, paste, focus, wrap, screen, cursor."""


Handler = Callable[[int, FrameType | None], None]


@dataclass
class Ending:
    """What ended a front end, beside its own wish."""

    signal: int | None = None
    """The first signal that asked for it; SIGHUP where the terminal went away."""

    @property
    def exit_code(self) -> int | None:
        """As shells have it, 128 and the signal; None without a signal."""
        return None if self.signal is None else 128 + self.signal


@dataclass(frozen=True, slots=True)
class Underway:
    """A run that this process draws."""

    thread: threading.Thread
    control: "Control"


class Terminals:
    """The terminals that this process has open now, to be let go later: a dead one no longer says that it was one."""

    def __init__(self) -> None:
        self._devices = {os.fstat(each).st_rdev for each in _descriptors() if _is_terminal(each)}

    def let_go(self) -> None:
        """Puts /dev/null in the place of all their descriptors: dead ones cost CPU, or stop who writes."""
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in _descriptors():
            with contextlib.suppress(OSError):
                if os.fstat(descriptor).st_rdev in self._devices:
                    os.dup2(null, descriptor, inheritable=descriptor in STANDARD)
        os.close(null)


def _descriptors() -> list[int]:
    """What is open, and one that was just closed: the listing's own."""
    return [int(each.name) for each in Path("/dev/fd").iterdir()]


@contextmanager
def interrupts() -> "Iterator[tuple[Control, Ending]]":
    """Signals of a front end without a screen, whose run is in the main thread.

    Before the run has begun, whatever asks for its end ends it at once, as a `KeyboardInterrupt`.
    """
    from sframes_tui.run.events import Control

    control, ending, times = Control(), Ending(), itertools.count(1)
    terminals = Terminals()

    def interrupt(number: int, _: FrameType | None) -> None:
        asked = next(times)
        if asked > 2:
            os._exit(128 + number)
        if asked > 1:
            control.stop.set()
        end(number)

    def end(number: int, _: FrameType | None = None) -> None:
        ending.signal = ending.signal or number
        control.finish.set()
        if not control.begun.is_set():
            raise KeyboardInterrupt

    def hang_up(*_: Any) -> None:
        terminals.let_go()

    handlers = {signal.SIGINT: interrupt, signal.SIGTERM: interrupt, signal.SIGHUP: hang_up}
    with handling({**handlers, **dict.fromkeys(WARNINGS, _once(end))}):
        yield control, ending


@contextmanager
def guard(leave: Callable[[], None], underway: Callable[[], Underway | None]) -> Iterator[Ending]:
    """Signals and the terminal's end for a front end with a screen, around what runs it in the main thread.

    `leave` asks the front end to return, whatever the signal; it is called from another thread, may come too early or
    too late, and must not block. Once it returned because of a signal, the block ends when the run that is `underway`
    has ended. A front end that doesn't return in `PATIENCE` seconds is given up on: the process ends with the run, or
    at once if that is asked to end before it began.
    """
    warden = _Warden(leave, underway)
    handlers = dict.fromkeys((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), warden.take)
    with handling({**handlers, **dict.fromkeys(WARNINGS, _once(warden.take))}):
        warden.start()
        try:
            yield warden.ending
        finally:
            warden.left.set()
            if warden.ending.signal is not None:
                warden.let_go()
                warden.join_run()
                if warden.loads:
                    warden.give_up()


@contextmanager
def handling(wanted: dict[signal.Signals, Handler]) -> Iterator[None]:
    """Signals that are ignored meanwhile stay so."""
    before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, handler)


def _once(handler: Handler) -> Handler:
    """Ignores the signal from its first coming on, also while the process ends: SIGXCPU comes every second."""

    def handle(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)
        handler(number, frame)

    return handle


class _Warden:
    """Acts on signals from threads of its own, whatever the main thread is stuck in."""

    def __init__(self, leave: Callable[[], None], underway: Callable[[], Underway | None]) -> None:
        self._leave, self._underway = leave, underway
        self._signals: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._asked = False
        self._interrupts = 0
        self._terminals = Terminals()
        self._terminal = next((each for each in STANDARD if _is_terminal(each)), None)
        self._modes = None if self._terminal is None else termios.tcgetattr(self._terminal)
        self.ending = Ending()
        self.left = threading.Event()

    def start(self) -> None:
        _in_background(self._act)
        if self._terminal is not None:
            _in_background(self._await_hangup, os.dup(self._terminal))

    def let_go(self) -> None:
        """Nothing that the process still says may make it wait for a terminal that stands still."""
        self._terminals.let_go()

    def take(self, number: int, _: FrameType | None = None) -> None:
        """The handler: nothing but a queue that a signal can't break."""
        self._signals.put(number)

    def _act(self) -> None:
        while True:
            number = self._signals.get()
            first = self.ending.signal is None
            self.ending.signal = self.ending.signal or number
            if number == signal.SIGHUP:
                self.let_go()
            else:
                self._interrupts += number not in WARNINGS
                self._ask_to_end()
            if first:
                _in_background(self._see_out)

    def _ask_to_end(self) -> None:
        """After the frames in hand; interrupted twice: now. A third time nothing is waited for."""
        self._asked = True
        run = self._underway()
        if self._interrupts > 2:
            self.give_up()
        elif run is not None:
            run.control.finish.set()
            if self._interrupts == 2:
                run.control.stop.set()

    def _see_out(self) -> None:
        """Lets the screen go; if it doesn't, the process ends with the run."""
        self._leave()
        if not self.left.wait(PATIENCE):
            self.join_run()
            self.give_up()

    @property
    def loads(self) -> bool:
        """Whether there is a run that only loads its model, which nothing can cut short, and that is asked to end."""
        run = self._underway()
        return self._asked and run is not None and run.thread.is_alive() and not run.control.begun.is_set()

    def join_run(self) -> None:
        """Waits for the run that is underway, and for one that a key had begun in the meantime."""
        while not self.loads and (run := self._underway()) is not None and run.thread.is_alive():
            if self._asked:
                run.control.finish.set()
            run.thread.join()

    def _await_hangup(self, terminal: int) -> None:
        """A terminal can be closed without a signal: under nohup, or where it isn't the controlling one."""
        poller = select.poll()
        poller.register(terminal, 0)
        poller.poll()
        os.close(terminal)
        self.take(signal.SIGHUP)

    def give_up(self) -> None:
        """Ends the process from here, with the terminal as it was if it takes that without a wait."""
        if self._terminal is not None and _is_terminal(self._terminal) and self._modes is not None:
            with contextlib.suppress(OSError, termios.error):
                termios.tcsetattr(self._terminal, termios.TCSANOW, self._modes)
                os.set_blocking(self._terminal, False)
                os.write(self._terminal, LEAVE_SCREEN)
                os.set_blocking(self._terminal, True)
        os._exit(self.ending.exit_code or 1)


def _is_terminal(descriptor: int) -> bool:
    """False for a closed one as well."""
    return os.isatty(descriptor)


def _in_background(work: Callable[..., None], *arguments: Any) -> None:
    threading.Thread(target=work, args=arguments, daemon=True).start()
