"""Pictures <-> tensors, and whether they are finite and not all black. Must not import diffusers."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from sframes_tui.engine.protocol import Blocked, Spoiled

NOT_FINITE = 'the model\'s numbers ran out of range (NaN or infinite) in {where}; dtype = "float32" usually helps'
ALL_BLACK = "the picture came out all black"
BLOCKED = "blocked: the model's safety checker took it for something that must not be shown"


class SpoiledError(Exception):
    """A picture that must not be kept; the message says why."""

    def outcome(self, frame: int) -> Spoiled:
        return Spoiled(frame, str(self), by_chance=True)


class BlockedError(SpoiledError):
    """The model's own safety checker blacked the picture out."""

    def __init__(self) -> None:
        super().__init__(BLOCKED)

    def outcome(self, frame: int) -> Spoiled:
        return Blocked(frame, str(self))


def check_flags(flags: object) -> None:
    """Raises `BlockedError` where a safety checker flagged something; None is no checker's answer."""
    if isinstance(flags, Sequence) and any(flags):
        raise BlockedError


def quantised(pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Floats of 0..1 to the 8-bit values that diffusers' own PIL output has, bit for bit."""
    return (pixels * 255).round().astype(np.uint8)


def checked_picture(pixels: NDArray[np.float32]) -> Image.Image:
    """Floats of 0..1, height x width x 3, to an RGB picture.

    Raises `SpoiledError` where a pixel is not finite (diffusers would turn it into black without a word) and where
    the whole picture is black.
    """
    if not np.isfinite(pixels).all():
        raise SpoiledError(NOT_FINITE.format(where="the decoded picture"))
    bytes_ = quantised(pixels)
    if not bytes_.any():
        raise SpoiledError(ALL_BLACK)
    return Image.fromarray(bytes_).convert("RGB")


def check_latents(latents: torch.Tensor | None) -> None:
    """Raises `SpoiledError` where a latent is not finite; None passes."""
    if latents is not None and not torch.isfinite(latents).all():
        raise SpoiledError(NOT_FINITE.format(where="the latents"))
