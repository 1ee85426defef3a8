"""What the command line does with runs: draws them (`resume`, `redraw`, `again`), looks at them (`attach`, `status`).

`cli.py` makes the parsers' heads and chooses; here are each command's arguments and what it does, side by side.
"""

import argparse
import json
import os
import signal
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from sframes_tui.batch import Output, draw_in_batch, failures_as_json, run_batch
from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.protocol import EngineFactory
from sframes_tui.errors import SteeringError, UsageError
from sframes_tui.process.streams import require_tellable
from sframes_tui.run import redraw as again
from sframes_tui.run.again import LoadModel, Say, draw_again, read_told
from sframes_tui.run.beside.attach import follow, nobody_draws
from sframes_tui.run.beside.find import Found
from sframes_tui.run.beside.hangup import Ending, handling
from sframes_tui.run.beside.status import run_status
from sframes_tui.run.beside.steering import Status, Steering
from sframes_tui.run.beside.trust import require_trust
from sframes_tui.run.events import Control, Emit
from sframes_tui.run.execute import go_on
from sframes_tui.run.record.folder import holder
from sframes_tui.run.record.past_run import PastRun, open_run

ORDERS = {
    "pause": "draw the pictures in hand, and then none until --resume",
    "resume": "go on after --pause",
    "finish": "draw the pictures in hand, then stop",
    "stop": "stop now",
}


def resume_parser(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    add = parser.add_argument
    about = "a run folder, its run.toml, a folder of runs such as output, or a configuration: its newest unfinished run"
    add("run", metavar="RUN", type=Path, help=about)
    add("--batch", action="store_true", help="draw without a screen: stdout gets one path a finished picture")
    add("--json", action="store_true", help="with --batch: every event as one line of JSON on stdout instead")
    add("--or-start", action="store_true", help="begin a configuration's run where it has none")
    add("--output", default="output", metavar="DIR", help="where a configuration's runs are, instead of ./output")
    more = "of a configuration: replace an option where a run is looked for or begun; what was begun keeps its own"
    add("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help=more)
    return parser


def resume(found: Found, make_engine: EngineFactory, root: Path, as_json: bool, notify: str | None) -> int:
    """Draws what a run still lacks, or all of one that isn't begun, without a screen; returns the exit code.

    Raises `SFramesError`.
    """
    if found.folder is None:
        assert found.draft is not None
        draft = found.draft
        with failures_as_json(as_json):
            require_trust(draft.loaded.path, draft.config)
        return run_batch(draft, make_engine, root, as_json, notify)

    def draw(past: PastRun, emit: Emit, control: Control) -> None:
        for notice in found.notices:
            emit(notice)
        go_on(past.path, make_engine, emit, control, notify)

    return _drawn(found.folder, as_json, draw)


def redraw_parser(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    add = parser.add_argument
    add("run", metavar="RUN", type=Path, help="a run folder, below output/")
    add("picture", metavar="CHAPTER-PROMPT[:TAG]", nargs="?", help="as its file is called; without TAG in every style")
    add("--seed", type=_seed, metavar="N", help="draw it with this seed; without any change it gets a new one")
    add("--prompt", metavar="TEXT", help="draw this text instead of the story's")
    add("--strength", type=_strength, metavar="S", help="of img2img, 0 to 1, in place of the style's weight")
    add("--variant", type=int, default=0, metavar="V", help="which of several variants, counted from 0")
    behind = parser.add_mutually_exclusive_group()
    behind.add_argument("--with-descendants", action="store_true", help="draw again what was drawn from it")
    behind.add_argument("--keep", action="store_true", help="keep what was drawn from it, or all that is out of date")
    behind.add_argument("--stale", action="store_true", help="draw all again that is out of date")
    behind.add_argument("--take", type=int, metavar="N", help="let an older take count again, 0 for the first")
    add("--json", action="store_true", help="every event as one line of JSON on stdout")
    return parser


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 to {2**32 - 1}")
    return int(text)


def _strength(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 1")
    return value


def redraw(parser: argparse.ArgumentParser, arguments: argparse.Namespace, make_engine: EngineFactory) -> int:
    """Draws single pictures of a run again; returns the exit code. Raises `SFramesError`."""
    if arguments.picture is None and not (arguments.stale or arguments.keep):
        parser.error("name a picture, such as 0-3:oil, or say --stale or --keep")
    if arguments.picture is not None and arguments.stale:
        parser.error("--stale draws all that is out of date: name no picture with it")
    return _drawn(
        arguments.run, arguments.json, lambda past, emit, control: _redo(arguments, past, make_engine, emit, control)
    )


def _redo(
    arguments: argparse.Namespace, past: PastRun, make_engine: EngineFactory, emit: Emit, control: Control
) -> None:
    if arguments.stale:
        again.redraw_stale(past.path, make_engine, emit, control)
        return
    if arguments.picture is None:
        again.keep(past.path, None, emit)
        return
    frames = again.find_frames(past.plan, arguments.picture, arguments.variant)
    if arguments.take is not None:
        again.choose(past.path, frames, arguments.take, emit)
        return
    descendants: again.Descendants = "redraw" if arguments.with_descendants else "keep" if arguments.keep else "stale"
    request = again.Request(frames, arguments.seed, arguments.prompt, arguments.strength, descendants)
    again.redraw(past.path, request, make_engine, emit, control)


def again_parser(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    add = parser.add_argument
    add("picture", metavar="PICTURE.png", type=Path, help="a picture that S-Frames drew")
    add("--base", type=Path, metavar="FILE", help="the picture that it started from, if that isn't beside it")
    add("-o", "--output", type=Path, metavar="OUT.png", help="keep what was drawn; otherwise nothing is written")
    add("--device", type=_device, metavar="D", help="draw on this device instead of one of the kind that drew it")
    add("--model", metavar="M", help="where the model is, if it isn't found by the name in the recipe")
    return parser


def _device(text: str) -> str:
    try:
        return GenerationConfig(device=text).device
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is none of auto, cpu, mps, cuda, cuda:1") from None


def draw_from_recipe(arguments: argparse.Namespace, load_model: LoadModel, say: Say) -> int:
    """Draws one picture from its own recipe and says how it compares; 0 if its pixels are the same, else 1.

    Raises `SFramesError`.
    """
    out: Path | None = arguments.output
    if out is not None:
        _write_new(out, b"")  # before a model is loaded, which takes long
        out.unlink()
    told = read_told(arguments.picture)
    drawn = draw_again(told, arguments.base, arguments.device, arguments.model, load_model, say)
    for line in drawn.lines():
        say(line)
    if out is not None:
        _write_new(out, drawn.data)
    return 0 if drawn.is_same else 1


def _write_new(path: Path, data: bytes) -> None:
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        raise UsageError(f"{path}: exists already; choose another name with -o") from None
    except OSError as error:
        raise UsageError(f"{path}: can't be written: {error.strerror}") from None


def _drawn(run: Path, as_json: bool, draw: Callable[[PastRun, Emit, Control], None]) -> int:
    """Opens a run and lets `draw` work on it, told of on the standard streams."""
    if not as_json:
        require_tellable(run, str(run))
    with failures_as_json(as_json):
        past = open_run(run)
        require_trust(run / "run.toml", past.config)
    return draw_in_batch(past.draft, lambda emit, control: draw(past, emit, control), as_json)


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
    with handling(dict.fromkeys((signal.SIGINT, signal.SIGTERM), leave)), Output(past.draft, as_json, ending) as output:
        for when, event in events:
            output.emit(event, when)
    return ending.exit_code or output.exit_code
