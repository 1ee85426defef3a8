"""Arguments -> one front end. The only file that chooses one, and the only one that names the real engine.

What only one command needs is imported by that command: the screen is painted before the rest is loaded.
"""

import argparse
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sframes_tui.command_line import AGAIN_CODES, EXIT_CODES, SHORTCUTS, command_parser, draw_parser, notify_target
from sframes_tui.errors import SFramesError, UsageError
from sframes_tui.process.streams import complain, complain_of, harmless_streams, print_lines, require_tellable

if TYPE_CHECKING:
    from sframes_tui.config.config import GenerationConfig
    from sframes_tui.config.file import Override
    from sframes_tui.engine.protocol import Engine
    from sframes_tui.model.source import ModelSource
    from sframes_tui.plan.draft import Draft


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program and returns its exit code; errors are sentences on stderr."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    command = COMMANDS.get(words[0]) if words else None
    with harmless_streams():
        try:
            _require_usable_names()
            return command(words[1:]) if command else _draw(words)
        except SFramesError as error:
            complain_of(error)
            return error.exit_code
        except KeyboardInterrupt:
            return 130
        except Exception:
            for line in traceback.format_exc().splitlines():
                complain(line)
            return 1


def _require_usable_names() -> None:
    try:
        Path.cwd()
    except OSError as error:
        raise UsageError(f"the working folder can't be used: {error.strerror}; change to another") from None
    if (encoding := sys.getfilesystemencoding()) != "utf-8":
        raise UsageError(f"file names are {encoding} in this locale, which few names can be told in: set PYTHONUTF8=1")


def _draw(words: Sequence[str]) -> int:
    parser = draw_parser()
    arguments = parser.parse_args(words)
    if arguments.json and (arguments.dry_run or not arguments.batch):
        parser.error("--json needs --batch")
    if not (arguments.batch or arguments.dry_run):
        return _open_screen(arguments)
    if arguments.config is None:
        parser.error("name a configuration file, such as configs/lighthouse.toml")
    from sframes_tui.batch import failures_as_json, run_batch
    from sframes_tui.config.file import load_config
    from sframes_tui.plan.draft import make_draft
    from sframes_tui.plan.plan_text import describe_plan
    from sframes_tui.run.beside.trust import require_trust

    with failures_as_json(arguments.json):
        loaded = load_config(arguments.config, _overrides(arguments))
        draft = make_draft(loaded)
        if arguments.dry_run:
            return print_lines(describe_plan(draft.plan, draft.text_file, draft.loaded.notes))
        output = _output_folder(arguments.output)
        require_trust(loaded.path, loaded.config)
    return run_batch(draft, _load_engine, output, arguments.json, arguments.notify)


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
    if not wanted:
        raise UsageError("--output '': give a folder")
    require_tellable(wanted, f"--output {wanted!r}")
    try:
        return Path(wanted).expanduser()
    except RuntimeError:
        raise UsageError(f"--output {wanted}: there is no such user's home folder") from None


def _overrides(arguments: argparse.Namespace) -> "list[Override]":
    """The short flags' values and those of `--set`, which is right where both speak."""
    short = [(key, getattr(arguments, name, None)) for name, key in SHORTCUTS.items()]
    given = [(key, value) for key, value in short if value is not None]
    if not arguments.set:
        return given
    from sframes_tui.config.file import parse_override

    return [*given, *map(parse_override, arguments.set)]


def _load_engine(draft: "Draft") -> "Engine":
    return _load_model(draft.config.generation_config, draft.model)


def _load_model(config: "GenerationConfig", source: "ModelSource") -> "Engine":
    from sframes_tui.process.knobs import end_quickly, uncollected

    end_quickly()
    with uncollected():  # imports and weights make many objects, and little garbage
        from sframes_tui.engine.models import load_engine

        return load_engine(config, source)


def _convert(words: Sequence[str]) -> int:
    parser = command_parser(
        "sframes convert", "Turn the settings of the original run_interleave.py into a configuration file."
    )
    parser.add_argument("script", metavar="SCRIPT", type=Path, help="the script; it is parsed, never executed")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", required=True, help="the file to write")
    arguments = parser.parse_args(words)
    from sframes_tui.convert import convert, read_script

    text, notes = convert(read_script(arguments.script))
    try:
        with arguments.output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{arguments.output}: exists already; choose another name with -o") from None
    except OSError as error:
        raise UsageError(f"{arguments.output}: can't be written: {error.strerror}") from None
    for note in notes:
        complain(note)
    return 0


def _trust(words: Sequence[str]) -> int:
    parser = command_parser("sframes trust", "Allow the commands that a configuration file names now.")
    parser.add_argument("config", metavar="CONFIG", type=Path)
    from sframes_tui.config.file import load_config
    from sframes_tui.run.beside.trust import Wishes, trust

    loaded = load_config(parser.parse_args(words).config)
    wishes = Wishes.of(loaded.path, loaded.config)
    if wishes.commands:
        trust(wishes)
    return print_lines(f"allowed: {each}" for each in wishes.shown or ("nothing, since it runs no commands",))


def _doctor(words: Sequence[str]) -> int:
    command_parser("sframes doctor", "Show versions, devices, memory, terminal and models.").parse_args(words)
    from sframes_tui.doctor import examine

    return print_lines(examine())


def _resume(words: Sequence[str]) -> int:
    from sframes_tui import commands

    parser = command_parser(
        "sframes resume", "Draw what a run still lacks, as if it had never been interrupted.", EXIT_CODES
    )
    parser.add_argument("--notify", type=notify_target, metavar="URL", help="tell this how the run ended")
    arguments = commands.resume_parser(parser).parse_args(words)
    if arguments.json and not arguments.batch:
        parser.error("--json needs --batch")
    from sframes_tui.batch import failures_as_json
    from sframes_tui.run.beside.find import find_run

    with failures_as_json(arguments.json):
        root, overrides = _output_folder(arguments.output), _overrides(arguments)
        found = find_run(arguments.run, root, overrides, arguments.or_start)
    if arguments.batch:
        return commands.resume(found, _load_engine, root, arguments.json, arguments.notify)
    return _show(
        found.folder or arguments.run,
        root,
        overrides=() if found.folder else overrides,
        notify=arguments.notify,
        resume=True,
        told=found.notices,
    )


def _redraw(words: Sequence[str]) -> int:
    from sframes_tui import commands

    about = "Draw a picture again, by itself or with all that was drawn from it; older takes stay."
    parser = commands.redraw_parser(command_parser("sframes redraw", about, EXIT_CODES))
    return commands.redraw(parser, parser.parse_args(words), _load_engine)


def _again(words: Sequence[str]) -> int:
    from sframes_tui import commands

    about = "Draw one picture from the recipe in its file, and say whether the bytes are the same."
    arguments = commands.again_parser(command_parser("sframes again", about, AGAIN_CODES)).parse_args(words)

    def say(line: str) -> None:
        print_lines([line])

    return commands.draw_from_recipe(arguments, _load_model, say)


def _attach(words: Sequence[str]) -> int:
    from sframes_tui import commands

    about = "Watch a run that another process draws, or tell it what to do; leaving doesn't touch it."
    arguments = commands.attach_parser(command_parser("sframes attach", about)).parse_args(words)
    if arguments.order is not None:
        return print_lines([commands.order(arguments.run, arguments.order)])
    if commands.wants_screen(arguments):
        return _show(arguments.run, _output_folder("output"))
    return commands.attach(arguments.run, arguments.json)


def _status(words: Sequence[str]) -> int:
    from sframes_tui import commands

    parser = command_parser("sframes status", "Tell how a run is: counts, who draws it, time left, what failed.")
    arguments = commands.status_parser(parser).parse_args(words)
    return print_lines(commands.status_lines(arguments.run, arguments.json))


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
