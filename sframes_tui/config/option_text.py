"""An option's value as the text of a form's field, and back."""

import math
import re
from typing import Any

from sframes_tui.config.options import Option
from sframes_tui.printable import printable

LINE_END = "␊"
"""Stands for a line's end in a field of one line."""
NUMBERS = ("whole number", "number", "seed", "pixels")


def shown_value(option: Option, value: Any) -> str:
    """What a field shows of a value, wrong ones included; nothing for an absent one."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(shown_value(option, item) for item in value)
    if not isinstance(value, str):
        return str(value) if isinstance(value, int | float) else printable(str(value))
    if option.control == "regex" and "(?" not in value:
        # To a regex without flags, these escapes are the same as the characters.
        return printable(value.replace("\n", r"\n").replace("\t", r"\t"))
    return printable(value if option.control == "long text" else value.replace("\n", LINE_END))


def typed_value(option: Option, text: str) -> Any:
    """The value that a text stands for; what is none of the option's kind stays text, for validation to tell.

    An empty text takes the option out of the file, except where one has to be there.
    """
    if not text and option.default != "required":
        return None
    if option.control == "list":
        return [item for item in re.split(r"[,\s]+", text) if item]
    if option.truth_too and text in ("true", "false"):
        return text == "true"
    if option.control in NUMBERS:
        return _number(text.strip(), whole=option.control != "number")
    return text.replace(LINE_END, "\n")


def _number(text: str, *, whole: bool) -> int | float | str:
    if re.fullmatch(r"-?[0-9]{1,18}", text, re.ASCII):
        return int(text)
    try:
        number = float(text)
    except ValueError:
        return text
    return text if whole or not math.isfinite(number) else number


def placeholder(option: Option) -> str:
    """What stands in an empty field: what is used without a value."""
    if option.preset in (None, []):
        return "required" if option.default == "required" else "not set"
    return shown_value(option, option.preset)


def stepped(option: Option, value: Any, steps: int) -> int | float:
    """A number one or more steps up or down from `value`, or from where an absent one begins, within its bounds."""
    size: float = {"pixels": 8, "seed": 1, "whole number": 1}.get(option.control, 0.05 if option.high == 1 else 0.5)
    low, high = option.low or 0, math.inf if option.high is None else option.high
    begin = 512 if option.control == "pixels" else option.preset if option.preset is not None else low
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    number = value + steps * size if is_number else begin + (steps * size if option.preset is not None else 0)
    number = round(min(max(number, low), high), 6)
    return number if option.control == "number" else int(number)


def in_words(option: Option) -> str:
    """What an option takes and what it is without a value, for its help."""
    without = {"required": "required", "absent": "not set by default"}.get(option.default)
    return f"{option.kind}; {without or f'default {option.default}'}"


def unknown_option(path: str) -> Option:
    """Stands for a key of the file that is none of the options: it can be looked at and emptied."""
    section, _, key = path.rpartition(".")
    about = "No option of this name is known; empty the field to take it out of the file."
    return Option(section, key, "nothing", "absent", about, "text", "Unknown keys", None, None, None, (), (), False)
