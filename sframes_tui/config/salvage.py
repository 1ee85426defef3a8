"""What can be read of a configuration file that is no valid TOML. Must not import torch or textual."""

import re
from pathlib import Path
from typing import Any

from sframes_tui.config.file import read_values
from sframes_tui.errors import ConfigError, Note
from sframes_tui.printable import counted, printable

MAX_BAD_LINES = 40


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
