"""`attach` and `status`: looking at another process's run, and steering it. Must not import torch or textual."""

import argparse
import json
import os
import signal
import threading
from collections.abc import Iterable
from pathlib import Path

from sframes_tui.batch import Output
from sframes_tui.errors import SteeringError
from sframes_tui.run.beside.attach import follow, nobody_draws
from sframes_tui.run.beside.hangup import Ending
from sframes_tui.run.beside.status import run_status
from sframes_tui.run.beside.steering import Status, Steering
from sframes_tui.run.record.folder import holder
from sframes_tui.run.record.past_run import open_run
from sframes_tui.standard_streams import require_tellable

ORDERS = {
    "pause": "draw the pictures in hand, and then none until --resume",
    "resume": "go on after --pause",
    "finish": "draw the pictures in hand, then stop",
    "stop": "stop now",
}


def attach_parser(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    add = parser.add_argument
    add("run", metavar="RUN", type=Path, help="a run folder, below output/")
    add("--batch", action="store_true", help="tell of the run in lines; without a terminal this is so anyway")
    add("--json", action="store_true", help="every event as one line of JSON on stdout instead")
    orders = parser.add_mutually_exclusive_group()
    for word, about in ORDERS.items():
        orders.add_argument(f"--{word}", dest="order", action="store_const", const=word, help=f"{about}, and leave")
    return parser


def wants_screen(arguments: argparse.Namespace) -> bool:
    """Whether there is a terminal, and nobody asked for lines."""
    return not (arguments.batch or arguments.json) and os.isatty(0) and os.isatty(1)


def status_parser(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("run", metavar="RUN", type=Path, help="a run folder, below output/")
    parser.add_argument("--json", action="store_true", help="as one line of JSON")
    return parser


def status_lines(run: Path, as_json: bool) -> Iterable[str]:
    """How a run is. Raises `SFramesError`."""
    summary = run_status(run)
    return [json.dumps(summary.as_json())] if as_json else summary.lines()


def order(run: Path, word: str) -> str:
    """Tells a run to do something; returns a sentence on what it does now. Raises `SFramesError`."""
    if holder(run) is None:
        raise SteeringError(nobody_draws(open_run(run)))
    status = _give(Steering(run), word)
    return f"{word}: {status.kept + status.drawn} of {status.frames} pictures are there"


def _give(steering: Steering, word: str) -> Status:
    match word:
        case "pause":
            return steering.pause()
        case "resume":
            return steering.resume()
        case "finish":
            return steering.finish()
        case _:
            return steering.stop()


def attach(run: Path, as_json: bool) -> int:
    """Tells of another process's run until it ends, in lines; returns the exit code. Raises `SFramesError`.

    An interrupt leaves and doesn't touch the run.
    """
    if not as_json:
        require_tellable(run, str(run))
    past, left, ending = open_run(run), threading.Event(), Ending()

    def leave(number: int, _frame: object) -> None:
        # No exception, which is lost where it meets a generator that is being closed; and set by another thread, since
        # this one may hold the event's lock right now.
        ending.signal = ending.signal or number
        threading.Thread(target=left.set).start()

    events = follow(run, left)
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, leave)
    with Output(past.draft, as_json, ending) as output:
        for when, event in events:
            output.emit(event, when)
    return ending.exit_code or output.exit_code
