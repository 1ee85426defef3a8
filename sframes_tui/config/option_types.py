"""What options are declared with: their marks, the types with their bounds and checks, how a form asks for them.

Every option in `config.py` bears exactly one mark: `width: Draws[Pixels | None] = None`. A picture's identity, its
recipe and what is said of a run that goes on all read the marks, so a new option is declared in one place.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, Field
from pydantic.fields import FieldInfo

from sframes_tui.config.address import is_web_address, parse_address
from sframes_tui.config.leave_out import LeftOut
from sframes_tui.config.program import split_command
from sframes_tui.config.timed_regex import compile_pattern


class Effect(Enum):
    """What an option does to pictures; closed: each does one of these."""

    DRAWS = "draws"
    """Its value is part of every picture's identity: another value, another picture."""
    PLANS = "plans"
    """It counts by what becomes of it: the prompts, words, seeds, strengths and bases of frames. Pictures whose share
    of these stays the same stay."""
    LOADS = "loads"
    """It says which model is loaded: that model's content counts, whatever it is called."""
    TOLD = "told"
    """Pictures stay, but the bytes of those drawn from then on may differ in a shade: that is told when a run goes on
    with another value."""
    HARMLESS = "harmless"
    """No pixel depends on it; a name may stand in the picture's file."""


T = TypeVar("T")

Draws = Annotated[T, Effect.DRAWS]
Plans = Annotated[T, Effect.PLANS]
Loads = Annotated[T, Effect.LOADS]
Told = Annotated[T, Effect.TOLD]
Harmless = Annotated[T, Effect.HARMLESS]


def effects(field: FieldInfo) -> list[Effect]:
    """The marks of an option."""
    return [mark for mark in field.metadata if isinstance(mark, Effect)]


def options_that(section: type[BaseModel], *wanted: Effect) -> Iterator[str]:
    """The keys of a section's options with one of these effects, in the order of their declaration."""
    return (key for key, field in section.model_fields.items() if any(mark in wanted for mark in effects(field)))


DEFAULT_MODEL = "stable-diffusion-v1-5/stable-diffusion-v1-5"
# What a form suggests; anything else that is valid may be entered too.
MODELS = ("builtin:picturebook", DEFAULT_MODEL, "stabilityai/stable-diffusion-xl-base-1.0")
DEVICES = ("auto", "cuda", "cuda:1", "mps", "cpu")
PREVIEWS = ("terminal", "off")
ENCODINGS = ("utf-8", "cp1252", "iso-8859-15", "utf-16", "cp1251", "shift_jis", "gb18030")


@dataclass(frozen=True, slots=True)
class Entered:
    """How a form asks for an option, where its type alone doesn't tell."""

    control: Literal["text", "long text", "path", "regex", "model", "seed", "pixels", "command"] = "text"
    suggestions: tuple[str, ...] = ()


def _compiles(pattern: str) -> str:
    compile_pattern(pattern)
    return pattern


def _multiple_of_8(pixels: int) -> int:
    if pixels % 8:
        raise ValueError(f"must be a multiple of 8, such as {pixels - pixels % 8}")
    return pixels


def _known_device(name: str) -> str:
    if not re.fullmatch(r"auto|cpu|mps|cuda(:[0-9]{1,3})?", name):
        raise ValueError('must be "auto", "cuda", "cuda:1", "mps" or "cpu"')
    return name


def _place_in_text(item: str) -> str:
    LeftOut.parse([item])
    return item


def reachable(target: str) -> str:
    """An address that can be sent to, or the command of a program."""
    if is_web_address(target):
        parse_address(target)
    else:
        split_command(target)
    return target


def _a_command(command: str) -> str:
    if command:
        split_command(command)
    return command


Pattern = Annotated[str, Field(min_length=1, max_length=10_000), AfterValidator(_compiles), Entered("regex")]
LARGEST_SIDE = 8192
"""Pixels of a picture's width or height."""
Pixels = Annotated[int, Field(ge=16, le=LARGEST_SIDE), AfterValidator(_multiple_of_8), Entered("pixels")]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1), Entered("seed")]
Text = Annotated[str, Field(max_length=10_000)]
LongText = Annotated[Text, Entered("long text")]
Encoding = Annotated[str, Field(max_length=40), Entered("text", ENCODINGS)]
PlaceInText = Annotated[str, AfterValidator(_place_in_text)]
Model = Annotated[str, Field(min_length=1, max_length=4096), Entered("model", MODELS)]
Device = Annotated[str, AfterValidator(_known_device), Entered("text", DEVICES)]
Command = Annotated[str, Field(max_length=1000), AfterValidator(_a_command), Entered("command")]
Viewer = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_a_command), Entered("command", PREVIEWS)]
Target = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(reachable)]
"""Who is sent word."""
