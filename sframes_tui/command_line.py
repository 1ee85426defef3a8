"""What the command line takes, and its help: texts and parsers."""

import argparse
from pathlib import Path
from typing import NoReturn

from sframes_tui import __version__
from sframes_tui.printable import as_line

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


class Parser(argparse.ArgumentParser):
    """Its complaints stay one line, whatever was typed."""

    def error(self, message: str) -> NoReturn:
        super().error(as_line(message))


class _DrawParser(Parser):
    """Its help ends with every option of a configuration file."""

    def format_help(self) -> str:
        from sframes_tui.config.options import help_text

        return f"{super().format_help()}\n{COMMANDS_HELP}\n{EXIT_CODES}\noptions of CONFIG and --set:\n{help_text()}\n"


def command_parser(name: str, description: str, epilog: str = "") -> Parser:
    return Parser(
        prog=name,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def draw_parser() -> Parser:
    about = "Draw a story: a text becomes parallel, slowly changing sequences of pictures."
    parser = _DrawParser(prog="sframes", description=about, allow_abbrev=False)
    add = parser.add_argument
    add("config", metavar="CONFIG", type=Path, nargs="?", help="a configuration file, such as configs/lighthouse.toml")
    add("--batch", action="store_true", help="draw without a screen: stdout gets one path a finished picture")
    add("--dry-run", action="store_true", help="print the plan and draw nothing")
    add("--json", action="store_true", help="with --batch: every event as one line of JSON on stdout instead")
    add("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="replace an option by a TOML value")
    add("--output", default="output", metavar="DIR", help="where run folders go, instead of ./output")
    add("--notify", type=notify_target, metavar="URL", help="tell this web address, or program, how the run ended")
    add("--seed", type=int, metavar="N", help=f"short for --set {SHORTCUTS['seed']}=N")
    add("--model", metavar="M", help=f"short for --set {SHORTCUTS['model']}=M")
    add("--device", metavar="D", help=f"short for --set {SHORTCUTS['device']}=D")
    add("--preview-protocol", choices=PROTOCOLS, help="on the screen, show pictures in this way")
    add("--version", action="version", version=f"S-Frames {__version__}")
    return parser


def notify_target(given: str) -> str:
    from sframes_tui.config.option_types import reachable

    try:
        return reachable(given)
    except ValueError as error:
        # Not quoted: it may hold a password.
        raise argparse.ArgumentTypeError(f"what is given {error}") from None
