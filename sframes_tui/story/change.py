"""What a person wants otherwise for one frame of a plan. Plain data; imports nothing of the program."""

from typing import NamedTuple


class Change(NamedTuple):
    """Another take of a frame; what is None stays as planned, but for the seed, which is the take's own."""

    take: int
    seed: int | None = None
    """32 bits."""
    prompt: str | None = None
    """In place of the story's, without the style's words."""
    strength: float | None = None
    """Of img2img, 0 to 1; without effect on a frame that has no base."""
