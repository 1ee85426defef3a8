"""The user's own keys: a TOML file of command = "key".

A line that is no good is told of and left out; the others count.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

import platformdirs

from sframes_tui.errors import message_of
from sframes_tui.plain_file import read_plain
from sframes_tui.printable import one_line
from sframes_tui.ui.commands import BY_ID, COMMANDS, Command

KEYMAP = platformdirs.user_config_path("sframes") / "keys.toml"
MAX_BYTES = 20_000
MAX_PROBLEMS = 10
"""Sentences; more are counted."""


def load_keymap(path: Path = KEYMAP) -> tuple[dict[str, str], list[str]]:
    """Command -> keys, and a sentence on each line that can't be used; nothing at all where there is no file."""
    try:
        values = tomllib.loads(read_plain(path, MAX_BYTES, follow=True).decode())
    except FileNotFoundError:
        return {}, []
    except (OSError, ValueError, RecursionError) as error:
        return {}, [f"{path} is left out: {message_of(error)}"]
    keymap: dict[str, str] = {}
    problems: list[str] = []
    for name, keys in values.items():
        if problem := _problem(name, keys, keymap):
            line = f"{name} = {keys!r}" if isinstance(keys, str | int) else name
            problems.append(f"{path}: {one_line(line, 80)} is left out: {problem}")
        else:
            keymap[name] = ",".join(_keys(keys))
    more = len(problems) - MAX_PROBLEMS
    return keymap, problems if more <= 0 else [*problems[:MAX_PROBLEMS], f"{path}: {more} more lines are left out"]


def _keys(keys: str) -> list[str]:
    return [key.strip().lower() if len(key.strip()) > 1 else key.strip() for key in keys.split(",")]


def _problem(name: str, keys: Any, keymap: dict[str, str]) -> str:
    command = BY_ID.get(name)
    if command is None:
        return "there is no such command; F1 lists them"
    if not isinstance(keys, str) or not all(map(_is_key, _keys(keys))):
        return 'write a key such as "ctrl+r", "f10" or "x"'
    if command.priority and any(len(key) == 1 for key in _keys(keys)):
        return "a plain letter could not be typed any more"
    if other := _holder(command, _keys(keys), keymap):
        return f"{other.id} has that key"
    return ""


def _is_key(key: str) -> bool:
    return bool(re.fullmatch(r"((ctrl|shift|alt|super)\+)*([a-z0-9_]{1,30}|\S)", key)) and key.isprintable()


def _holder(command: Command, keys: list[str], keymap: dict[str, str]) -> Command | None:
    """Another command that would answer to one of the keys at the same place."""
    for other in COMMANDS:
        together = other.scope == command.scope or {other.scope, command.scope} & {"app", "main"}
        held = keymap.get(other.id, other.key).split(",")
        if other is not command and together and set(held) & set(keys):
            return other
    return None
