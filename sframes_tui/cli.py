"""Arguments -> one front end. The only file that chooses one, and the only one that names the real engine.

What only one command needs is imported by that command: the screen is painted before the rest is loaded.
"""

import argparse
import contextlib
import io
import os
import sys
import tokenize
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sframes_tui import __version__
from sframes_tui.errors import SFramesError, UsageError, message_of
from sframes_tui.printable import printable

if TYPE_CHECKING:
    from sframes_tui.engine.protocol import Engine
    from sframes_tui.story.config import GenerationConfig
    from sframes_tui.story.config_file import Override
    from sframes_tui.story.draft import Draft

EXIT_CODES = """exit codes:
  0  all frames drawn          3  refused: commands that nobody allowed
  1  some frames failed        4  the run folder is in use
  2  bad usage, config,        130, 143  interrupted (SIGINT, SIGTERM):
     story or model              once finishes the frames in hand, twice stops now
                               138, 140, 152  warned by a batch system (SIGUSR1, SIGUSR2,
                                 SIGXCPU): finishes the frames in hand, however often
"""

AGAIN_CODES = """exit codes:
  0  the same pixels           1  other pixels
  2  no recipe that can be used, no such base or model
"""

COMMANDS_HELP = """other commands:
  resume RUN [--batch]     go on with a run that was interrupted, or whose text or configuration was edited
  resume CONFIG --or-start --batch    the same with a configuration's newest run, or begin one: a job's one line
  redraw RUN PICTURE       draw one picture again, with another seed, prompt or strength
  again PICTURE            draw one picture from the recipe in its file, and say whether it is the same
  attach RUN               watch a run that another process draws, pause or stop it
  status RUN [--json]      how a run is: counts, who draws it, time left, what failed
  convert SCRIPT -o FILE   the original script's settings as a configuration file
  trust CONFIG             allow the commands and addresses that a configuration names
  doctor                   versions, devices, memory, terminal, models
"""


PROTOCOLS = ("auto", "sixel", "kitty", "halfcell", "unicode", "off")

SHORTCUTS = {
    "seed": "generation_config.seed",
    "model": "generation_config.model",
    "device": "generation_config.device",
}
"""Flags of their own for options that are often replaced."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program and returns its exit code; errors are sentences on stderr."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    command = COMMANDS.get(words[0]) if words else None
    try:
        return command(words[1:]) if command else _draw(words)
    except SFramesError as error:
        for line in str(error).split("\n"):
            _complain(f"sframes: {printable(line)}")
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def _complain(line: str) -> None:
    """A line on stderr, if there is one that takes it: the exit code tells the rest."""
    with contextlib.suppress(OSError):
        if sys.stderr is not None:
            print(line, file=sys.stderr, flush=True)


def _draw(words: Sequence[str]) -> int:
    parser = _draw_parser()
    arguments = parser.parse_args(words)
    if arguments.json and (arguments.dry_run or not arguments.batch):
        parser.error("--json needs --batch")
    if not (arguments.batch or arguments.dry_run):
        return _open_screen(arguments)
    if arguments.config is None:
        parser.error("name a configuration file, such as configs/lighthouse.toml")
    from sframes_tui.batch import failures_as_json, run_batch
    from sframes_tui.run.trust import require_trust
    from sframes_tui.story.config_file import load_config
    from sframes_tui.story.draft import make_draft
    from sframes_tui.story.plan_text import describe_plan

    with failures_as_json(arguments.json):
        loaded = load_config(arguments.config, _overrides(arguments))
        draft = make_draft(loaded)
        if arguments.dry_run:
            return _print_lines(describe_plan(draft.plan, draft.text_file, draft.loaded.notes))
        output = _output_folder(arguments.output)
        require_trust(loaded.path, loaded.config)
    return run_batch(draft, lambda: _load_engine(draft), output, arguments.json, arguments.notify)


def _open_screen(arguments: argparse.Namespace) -> int:
    return _show(
        arguments.config,
        _output_folder(arguments.output),
        overrides=_overrides(arguments),
        protocol=arguments.preview_protocol,
        notify=arguments.notify,
    )


def _show(target: Path | None, root: Path, **options: Any) -> int:
    """The screen, with a model that stays loaded from one run to the next; `options` are those of `run_screen`."""
    from sframes_tui.engine.model_cache import ModelCache
    from sframes_tui.ui.start import run_screen

    cache = ModelCache()
    return run_screen(target, cache.engine_for, root, kept=cache, **options)


def _output_folder(wanted: str) -> Path:
    """Refuses a folder whose name would break the one path a line of stdout."""
    if not wanted or any(ord(character) < 0x20 for character in wanted):
        raise UsageError(f"--output {wanted!r}: give a folder whose name has no control characters")
    return Path(wanted).expanduser()


def _notify_target(given: str) -> str:
    from sframes_tui.story.config import reachable

    try:
        return reachable(given)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{given!r} {error}") from None


def _overrides(arguments: argparse.Namespace) -> "list[Override]":
    """The short flags' values and those of `--set`, which is right where both speak."""
    short = [(key, getattr(arguments, name, None)) for name, key in SHORTCUTS.items()]
    given = [(key, value) for key, value in short if value is not None]
    if not arguments.set:
        return given
    from sframes_tui.story.config_file import parse_override

    return [*given, *map(parse_override, arguments.set)]


def _load_engine(draft: "Draft") -> "Engine":
    from sframes_tui.process import end_quickly, uncollected

    end_quickly()
    with uncollected():  # imports and weights make many objects, and little garbage
        from sframes_tui.engine.models import load_engine

        return load_engine(draft.config.generation_config, draft.model)


def _print_lines(lines: Iterable[str]) -> int:
    """Plain text on stdout, whatever its encoding; a reader that went away has seen enough."""
    if not isinstance(sys.stdout, io.TextIOWrapper):
        return 0 if sys.stdout is None else _write_lines(lines)
    sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return _write_lines(lines)
    except OSError as error:
        # Python must not complain once more when it flushes stdout at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return 0
        raise UsageError(f"stdout can't be written: {error.strerror}") from None


def _write_lines(lines: Iterable[str]) -> int:
    for line in lines:
        print(line)
    sys.stdout.flush()
    return 0


def _convert(words: Sequence[str]) -> int:
    parser = _parser(
        "sframes convert", "Turn the settings of the original run_interleave.py into a configuration file."
    )
    parser.add_argument("script", metavar="SCRIPT", type=Path, help="the script; it is parsed, never executed")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", required=True, help="the file to write")
    arguments = parser.parse_args(words)
    from sframes_tui.story.original import convert

    text, notes = convert(_read_script(arguments.script))
    try:
        with arguments.output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{arguments.output}: exists already; choose another name with -o") from None
    except OSError as error:
        raise UsageError(f"{arguments.output}: can't be written: {error.strerror}") from None
    for note in notes:
        _complain(printable(note))
    return 0


def _read_script(path: Path) -> str:
    """A Python file's text, in the encoding that it declares."""
    try:
        with tokenize.open(path) as file:
            return file.read()
    except (OSError, SyntaxError, ValueError) as error:
        raise UsageError(f"{path}: can't be read as a Python script: {message_of(error)}") from None


def _trust(words: Sequence[str]) -> int:
    parser = _parser("sframes trust", "Allow the commands that a configuration file names now.")
    parser.add_argument("config", metavar="CONFIG", type=Path)
    from sframes_tui.run.trust import commands, trust
    from sframes_tui.story.config_file import load_config

    loaded = load_config(parser.parse_args(words).config)
    wanted = commands(loaded.config)
    if wanted:
        trust(loaded.path, loaded.config)
    return _print_lines(printable(f"allowed: {each}") for each in wanted or ("nothing, since it runs no commands",))


def _doctor(words: Sequence[str]) -> int:
    _parser("sframes doctor", "Show versions, devices, memory, terminal and models.").parse_args(words)
    from sframes_tui.doctor import examine

    return _print_lines(examine())


def _resume(words: Sequence[str]) -> int:
    from sframes_tui import run_commands

    parser = _parser("sframes resume", "Draw what a run still lacks, as if it had never been interrupted.", EXIT_CODES)
    parser.add_argument("--notify", type=_notify_target, metavar="URL", help="tell this how the run ended")
    arguments = run_commands.resume_parser(parser).parse_args(words)
    if arguments.json and not arguments.batch:
        parser.error("--json needs --batch")
    from sframes_tui.batch import failures_as_json
    from sframes_tui.run.find import find_run

    with failures_as_json(arguments.json):
        root, overrides = _output_folder(arguments.output), _overrides(arguments)
        found = find_run(arguments.run, root, overrides, arguments.or_start)
    if arguments.batch:
        return run_commands.resume(found, _load_engine, root, arguments.json, arguments.notify)
    return _show(
        found.folder or arguments.run,
        root,
        overrides=() if found.folder else overrides,
        notify=arguments.notify,
        resume=True,
        told=found.notices,
    )


def _redraw(words: Sequence[str]) -> int:
    from sframes_tui import run_commands

    about = "Draw a picture again, by itself or with all that was drawn from it; older takes stay."
    parser = run_commands.redraw_parser(_parser("sframes redraw", about, EXIT_CODES))
    return run_commands.redraw(parser, parser.parse_args(words), _load_engine)


def _again(words: Sequence[str]) -> int:
    from sframes_tui import run_commands
    from sframes_tui.story.model_source import ModelSource

    def load(config: "GenerationConfig", source: ModelSource) -> "Engine":
        from sframes_tui.engine.models import load_engine

        return load_engine(config, source)

    def say(line: str) -> None:
        _print_lines([printable(line)])

    about = "Draw one picture from the recipe in its file, and say whether the bytes are the same."
    arguments = run_commands.again_parser(_parser("sframes again", about, AGAIN_CODES)).parse_args(words)
    return run_commands.draw_from_recipe(arguments, load, say)


def _attach(words: Sequence[str]) -> int:
    from sframes_tui import attach_commands

    about = "Watch a run that another process draws, or tell it what to do; leaving doesn't touch it."
    arguments = attach_commands.attach_parser(_parser("sframes attach", about)).parse_args(words)
    if arguments.order is not None:
        return _print_lines([attach_commands.order(arguments.run, arguments.order)])
    if attach_commands.wants_screen(arguments):
        return _show(arguments.run, _output_folder("output"))
    return attach_commands.attach(arguments.run, arguments.json)


def _status(words: Sequence[str]) -> int:
    from sframes_tui import attach_commands

    parser = _parser("sframes status", "Tell how a run is: counts, who draws it, time left, what failed.")
    arguments = attach_commands.status_parser(parser).parse_args(words)
    return _print_lines(attach_commands.status_lines(arguments.run, arguments.json))


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "convert": _convert,
    "trust": _trust,
    "doctor": _doctor,
    "resume": _resume,
    "redraw": _redraw,
    "again": _again,
    "attach": _attach,
    "status": _status,
}


class _DrawParser(argparse.ArgumentParser):
    """Its help ends with every option of a configuration file."""

    def format_help(self) -> str:
        from sframes_tui.story.options import help_text

        return f"{super().format_help()}\n{COMMANDS_HELP}\n{EXIT_CODES}\noptions of CONFIG and --set:\n{help_text()}\n"


def _parser(name: str, description: str, epilog: str = "") -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=name,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _draw_parser() -> argparse.ArgumentParser:
    about = "Draw a story: a text becomes parallel, slowly changing sequences of pictures."
    parser = _DrawParser(prog="sframes", description=about, allow_abbrev=False)
    add = parser.add_argument
    add("config", metavar="CONFIG", type=Path, nargs="?", help="a configuration file, such as configs/lighthouse.toml")
    add("--batch", action="store_true", help="draw without a screen: stdout gets one path a finished picture")
    add("--dry-run", action="store_true", help="print the plan and draw nothing")
    add("--json", action="store_true", help="with --batch: every event as one line of JSON on stdout instead")
    add("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="replace an option by a TOML value")
    add("--output", default="output", metavar="DIR", help="where run folders go, instead of ./output")
    add("--notify", type=_notify_target, metavar="URL", help="tell this web address, or program, how the run ended")
    add("--seed", type=int, metavar="N", help=f"short for --set {SHORTCUTS['seed']}=N")
    add("--model", metavar="M", help=f"short for --set {SHORTCUTS['model']}=M")
    add("--device", metavar="D", help=f"short for --set {SHORTCUTS['device']}=D")
    add("--preview-protocol", choices=PROTOCOLS, help="on the screen, show pictures in this way")
    add("--version", action="version", version=f"S-Frames {__version__}")
    return parser
