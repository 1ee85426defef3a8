"""What a person wants otherwise for one frame of a plan. Plain data; imports nothing of the program."""

from typing import Annotated, NamedTuple

from pydantic import Field


class Change(NamedTuple):
    """Another take of a frame; what is None stays as planned, but for the seed, which is the take's own."""

    take: int
    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    prompt: str | None = None
    """In place of the story's, without the style's words."""
    strength: Annotated[float, Field(ge=0, le=1)] | None = None
    """Of img2img, 0 to 1; without effect on a frame that has no base."""
