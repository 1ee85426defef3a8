"""SIGCONT that follows no stop of ours: Textual would take the terminal a second time. Must not import torch.

The kernel sends one with every hang-up, and each would leave two more threads reading a dead terminal.
"""

import signal
from types import FrameType


def guard_continue() -> None:
    """To be called in the main thread once Textual has set its handlers; without them there is nothing to guard."""
    stop, go_on = signal.getsignal(signal.SIGTSTP), signal.getsignal(signal.SIGCONT)
    if not (callable(stop) and callable(go_on)):
        return
    stopped = False

    def take_stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True
        stop(number, frame)

    def take_continue(number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        if stopped:
            stopped = False
            go_on(number, frame)

    signal.signal(signal.SIGTSTP, take_stop)
    signal.signal(signal.SIGCONT, take_continue)
