"""Pictures <-> tensors, and whether they are finite and not all black. Must not import diffusers."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

NOT_FINITE = 'the model\'s numbers ran out of range (NaN or infinite) in {where}; dtype = "float32" usually helps'
ALL_BLACK = "the picture came out all black"


class SpoiledError(Exception):
    """A picture that must not be kept; the message says why."""


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


class DecoderWatch:
    """Sees what a VAE's decoder gives before it is clamped to 0..1, which would hide infinite values.

    A context manager around one drawing; `check()` afterwards raises `SpoiledError` if anything was not finite.
    Does nothing for a VAE without a `decoder` module.
    """

    def __init__(self, vae: Any) -> None:
        self._decoder = getattr(vae, "decoder", None)
        self._finite: torch.Tensor | None = None
        self._hook: Any = None

    def __enter__(self) -> "DecoderWatch":
        if isinstance(self._decoder, torch.nn.Module):
            self._hook = self._decoder.register_forward_hook(self._look)
        return self

    def __exit__(self, *_: object) -> None:
        if self._hook is not None:
            self._hook.remove()

    def _look(self, _module: torch.nn.Module, _inputs: Any, output: Any) -> None:
        if isinstance(output, torch.Tensor):
            finite = torch.isfinite(output).all()
            self._finite = finite if self._finite is None else self._finite & finite

    def check(self) -> None:
        if self._finite is not None and not self._finite:
            raise SpoiledError(NOT_FINITE.format(where="the decoded picture"))
