"""Themes: one TOML file each, shipped ones and the user's; and which of them was chosen last.

A file's name is the theme's name; its keys are the fields of Textual's `Theme`. A file that is no good is told of and
skipped: a wrong colour would otherwise bring the screen down when the theme is chosen.
"""

import contextlib
import dataclasses
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import platformdirs
import tomli_w
from textual.color import Color, ColorParseError
from textual.theme import Theme

from sframes_tui.errors import message_of
from sframes_tui.plain_file import read_plain, write_plain
from sframes_tui.printable import one_line

PACKAGE = Path(__file__).resolve().parent.parent
SHIPPED = next(filter(Path.is_dir, (PACKAGE / "themes", PACKAGE.parent / "themes")), PACKAGE / "themes")
"""In an installed program beside the package's modules, in a checkout at its top."""
OWN = platformdirs.user_config_path("sframes") / "themes"
STORE = platformdirs.user_state_path("sframes") / "screen.toml"
"""What the screen remembers from one time to the next."""
DEFAULT, SIXTEEN_COLOURS = "dusk", "sixteen"
MAX_BYTES, MAX_STORE_BYTES = 100_000, 10_000
FLAGS = ("dark", "ansi")
NUMBERS = ("luminosity_spread", "text_alpha")
WORDS = ("none", "bold", "dim", "italic", "underline", "reverse", "strike", "not")
"""Of a text style, which is what a variable says whose name has "style" in it; all others are colours."""


def recall(key: str) -> str:
    """What was remembered under `key`; empty where nothing was, or where it can't be read."""
    value = _everything().get(key, "")
    return value if isinstance(value, str) else ""


def remember(key: str, value: str) -> None:
    """Keeps a value for the next time; a disk that doesn't take it is no reason to complain."""
    with contextlib.suppress(OSError):
        write_plain(STORE, tomli_w.dumps({**_everything(), key: value}).encode())


def _everything() -> dict[str, object]:
    try:
        return tomllib.loads(read_plain(STORE, MAX_STORE_BYTES).decode())
    except (OSError, ValueError, RecursionError):
        return {}


def load_themes(folders: Iterable[Path] = (SHIPPED, OWN)) -> tuple[list[Theme], list[str]]:
    """Every good theme, of two of one name that of the later folder; and a sentence on each bad file."""
    themes: dict[str, Theme] = {}
    problems: list[str] = []
    for path in (path for folder in folders for path in sorted(folder.glob("*.toml"))):
        try:
            themes[_slug(path)] = read_theme(path)
        except (OSError, ValueError, RecursionError) as error:
            problems.append(f"theme {path} is left out: {message_of(error)}")
    return list(themes.values()), problems


def read_theme(path: Path) -> Theme:
    """One theme; raises `OSError`, or `ValueError` or `RecursionError` with what is wrong with the file."""
    values = tomllib.loads(read_plain(path, MAX_BYTES, follow=True).decode())
    known = {field.name for field in dataclasses.fields(Theme)} - {"name"}
    if unknown := sorted(values.keys() - known):
        raise ValueError(f"{one_line(unknown[0], 60)!r} is nothing that a theme has")
    if "primary" not in values:
        raise ValueError("it names no primary colour")
    for key, value in values.items():
        _check(key, value)
    return Theme(name=_slug(path), **values)


def _slug(path: Path) -> str:
    """The name of a theme is a CSS class too."""
    return re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-") or "theme"


def _check(key: str, value: Any) -> None:
    if key == "variables":
        if not isinstance(value, Mapping):
            raise ValueError("variables is no table")
        for name, each in value.items():
            _check_variable(name, each)
    elif fault := _fault(key, value):
        raise ValueError(f"{_shown(key, value)} is {fault}")


def _fault(key: str, value: Any) -> str:
    """What a value is in place of what it should be; empty where it is right."""
    if key in FLAGS:
        return "" if isinstance(value, bool) else "neither true nor false"
    if key in NUMBERS:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return "" if is_number and 0 <= value <= 1 else "no number from 0 to 1"
    return "" if isinstance(value, str) and _is_colour(value) else "no colour"


def _check_variable(name: str, value: Any) -> None:
    """A colour where Textual means a style, or the reverse, ends the screen as a wrong colour does."""
    if "style" in name:
        if not isinstance(value, str) or not _is_style(value):
            raise ValueError(f"variables: {_shown(name, value)} is no text style")
    elif not isinstance(value, str) or not _is_colour_with_opacity(value):
        raise ValueError(f"variables: {_shown(name, value)} is no colour")


def _shown(key: str, value: Any) -> str:
    return one_line(f"{key} = {value!r}", 80)


def _is_style(value: str) -> bool:
    return bool(value.split()) and all(word in WORDS for word in value.split())


def _is_colour(value: str) -> bool:
    try:
        Color.parse(value)
    except ColorParseError:
        return False
    return True


def _is_colour_with_opacity(value: str) -> bool:
    """A colour, or one with its opacity behind it, as CSS writes them."""
    colour, _, opacity = value.partition(" ")
    return _is_colour(colour) and (not opacity or bool(re.fullmatch(r"[0-9]{1,3}%", opacity)))
