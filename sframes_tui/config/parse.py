"""A text of TOML -> its values, within bounds that TOML itself doesn't set; and what can be read of a broken one.

In one place since a broken text is read by reading it again, without the line that was at fault.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sframes_tui.errors import ConfigError, Note
from sframes_tui.printable import counted, printable

MAX_DOTS = 100
"""Of one key; the TOML parser's time grows with their square."""
MAX_TABLES = 2_000
"""Headers of tables; the time of the library that writes TOML grows with their square."""
MAX_DEPTH = 100
"""Of tables and arrays within each other: what walks through them does so by recursion."""
QUOTED = re.compile(r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*', re.DOTALL)
"""A string or comment, up to where a text stops being TOML."""
MAX_BAD_LINES = 40
RUN_TIME_KEYS = ("last_image", "images")
"""State that the original script kept in its style dicts."""


def read_values(text: str, path: Path) -> tuple[dict[str, Any], tuple[Note, ...]]:
    """A text's values as TOML gives them, under today's keys, and what was dropped; `ConfigError` if it's no TOML."""
    values = _parse_toml(text, path)
    notes = tuple(_drop_run_time_state(values))
    _accept_old_spelling(values, path)
    return values, notes


def _parse_toml(text: str, path: Path) -> dict[str, Any]:
    bare = QUOTED.sub("", text)
    if max(line.count(".") for line in bare.split("\n")) > MAX_DOTS:
        raise ConfigError(f"{path}: not valid TOML: a key of more than {MAX_DOTS} parts")
    if len(re.findall(r"(?m)^[ \t]*\[", bare)) > MAX_TABLES:
        raise ConfigError(f"{path}: more than {MAX_TABLES:,} tables, so it is no configuration file")
    try:
        values = tomllib.loads(text.replace("\r\n", "\n"))
        require_modest(values)
        return values
    except RecursionError:
        raise ConfigError(f"{path}: not valid TOML: nested too deeply") from None
    except ValueError as error:
        # Not only TOMLDecodeError: whole numbers of thousands of digits are refused by Python itself.
        raise ConfigError(f"{path}: not valid TOML: {as_clause(str(error))}") from None


def require_modest(values: dict[str, Any]) -> None:
    """Raises `ValueError` for what TOML's own words leave to its reader: depth, and whole numbers beyond 64 bits."""
    level: list[Any] = [values]
    for _ in range(MAX_DEPTH):
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
        if any(isinstance(each, int) and abs(each) >= 2**63 for each in level):
            raise ValueError("A whole number of more than 64 bits")
        level = [each for each in level if isinstance(each, dict | list)]
        if not level:
            return
    raise ValueError("Nested too deeply")


def as_clause(message: str) -> str:
    """A library's sentence as the end of one of ours; what begins with an abbreviation stays."""
    return message if message[1:2].isupper() else message[:1].lower() + message[1:]


def _drop_run_time_state(values: dict[str, Any]) -> Iterator[Note]:
    styles = values.get("style_configs")
    for style in styles if isinstance(styles, list) else []:
        for key in RUN_TIME_KEYS:
            if isinstance(style, dict) and style.pop(key, None) is not None:
                yield Note("info", f"style_configs: {key} is ignored, since the program keeps it by itself")


def _accept_old_spelling(values: dict[str, Any], path: Path) -> None:
    section = values.get("generation_config")
    if isinstance(section, dict) and "progresive" in section:
        if "progressive" in section:
            raise ConfigError(f"{path}: generation_config has both progressive and progresive; keep the first")
        section["progressive"] = section.pop("progresive")


def salvaged(text: str, path: Path) -> tuple[str, dict[str, Any], tuple[Note, ...], str]:
    """The text with the lines that are no TOML turned into comments, its values and notes, and what was wrong.

    The last is one sentence, empty for a valid text.
    """
    first, bad = "", 0
    for _ in range(MAX_BAD_LINES):
        try:
            values, notes = read_values(text, path)
            return text, values, notes, _sentence(first, bad)
        except ConfigError as error:
            first = first or str(error)
            lines = text.split("\n")
            number = _line_at_fault(str(error), lines)
            if number is None or number >= len(lines) or lines[number].lstrip().startswith("#"):
                break
            lines[number] = f"# {printable(lines[number])}"
            text, bad = "\n".join(lines), bad + 1
    commented = "\n".join(f"# {printable(line)}" if line.strip() else "" for line in text.split("\n"))
    return commented, {}, (), f"{first}; nothing of it could be read, and saving keeps it as comments"


def _sentence(first: str, bad: int) -> str:
    return f"{first}; {counted(bad, 'line')} left out, which saving turns into comments" if bad else ""


def _line_at_fault(message: str, lines: list[str]) -> int | None:
    if found := re.search(r"at line (\d+)", message):
        return int(found[1]) - 1
    if "progresive" in message:
        return next((at for at, line in enumerate(lines) if re.match(r"\s*progresive\s*=", line)), None)
    # The end of the text is what's wrong: its last line that is no comment.
    return next((at for at in reversed(range(len(lines))) if re.match(r"\s*[^#\s]", lines[at])), None)
