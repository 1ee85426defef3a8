"""What an option does to pictures, marked at the option itself. Must not import torch or textual.

Every option in `config.py` bears exactly one mark: `width: Draws[Pixels | None] = None`. A picture's identity, its
recipe and what is said of a run that goes on all read the marks, so a new option is declared in one place.
"""

from collections.abc import Iterator
from enum import Enum
from typing import Annotated, TypeVar

from pydantic import BaseModel
from pydantic.fields import FieldInfo


class Effect(Enum):
    """Closed: an option does one of these."""

    DRAWS = "draws"
    """Its value is part of every picture's identity: another value, another picture."""
    PLANS = "plans"
    """It counts by what becomes of it: the prompts, words, seeds, strengths and bases of frames, or the model's
    content. Pictures whose share of these stays the same stay."""
    TOLD = "told"
    """Pictures stay, but the bytes of those drawn from then on may differ in a shade: that is told when a run goes on
    with another value."""
    HARMLESS = "harmless"
    """No pixel depends on it; a name may stand in the picture's file."""


T = TypeVar("T")

Draws = Annotated[T, Effect.DRAWS]
Plans = Annotated[T, Effect.PLANS]
Told = Annotated[T, Effect.TOLD]
Harmless = Annotated[T, Effect.HARMLESS]


def effects(field: FieldInfo) -> list[Effect]:
    """The marks of an option."""
    return [mark for mark in field.metadata if isinstance(mark, Effect)]


def options_that(effect: Effect, section: type[BaseModel]) -> Iterator[str]:
    """The keys of a section's options with this effect, in the order of their declaration."""
    return (key for key, field in section.model_fields.items() if effect in effects(field))
