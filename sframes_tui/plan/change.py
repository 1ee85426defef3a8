"""What a person wants otherwise for one frame of a plan, as the plan has it and as the journal tells it."""

from typing import Annotated, NamedTuple

from pydantic import Field

MAX_PROMPT = 2**17
"""Characters."""

Take = Annotated[int, Field(strict=True, ge=0, lt=2**20)]
Seed = Annotated[int, Field(strict=True, ge=0, lt=2**32)]
Prompt = Annotated[str, Field(max_length=MAX_PROMPT)]
Strength = Annotated[float, Field(strict=True, ge=0, le=1)]


class Change(NamedTuple):
    """Another take of a frame; what is None stays as planned, but for the seed, which is the take's own."""

    take: Take
    seed: Seed | None = None
    prompt: Prompt | None = None
    """In place of the story's, without the style's words."""
    strength: Strength | None = None
    """Of img2img, 0 to 1; without effect on a frame that has no base."""
