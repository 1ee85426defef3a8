"""What a frame is going to look like: its predicted x0 as a small picture, by one multiplication. Runs no model.

Nothing is computed before somebody looks.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from PIL import Image

from sframes_tui.engine.pipelines import Pipelines
from sframes_tui.engine.stepping.tabled import KINDS, Prediction

FILE = "latent_rgb.json"
"""In a model's folder: {"factors": [[r, g, b] for each latent channel], "bias": [r, g, b]}, to colours of -1..1."""

LARGEST_FILE = 10_000

_SD = (
    ((0.298, 0.207, 0.208), (0.187, 0.286, 0.173), (-0.158, 0.189, 0.264), (-0.184, -0.271, -0.473)),
    (0.0, 0.0, 0.0),
)
"""Stable Diffusion 1: discuss.huggingface.co/t/decoding-latents-to-rgb-without-upscaling/23204."""

_XL = (
    ((60, 60, 60), (-60, -5, 10), (25, 15, -5), (-70, -50, -35)),
    (150, 140, 130),
)
"""Stable Diffusion XL, to 0..255: huggingface.co/blog/TimothyAlexisVass/explaining-the-sdxl-latent-space."""


@dataclass(frozen=True, eq=False, slots=True)
class Colours:
    """A linear map from scaled latents to colours of -1..1."""

    factors: torch.Tensor
    """(channels, 3)."""
    bias: torch.Tensor
    """(3,)."""

    @classmethod
    def of(cls, pipelines: Pipelines, folder: Path | None) -> Self | None:
        """What the model's folder says, else what is known of its kind; None where nothing is."""
        channels = pipelines.text.vae.config.latent_channels
        if folder is not None and (own := _read(folder / FILE, channels)) is not None:
            return cls(*(torch.tensor(each, dtype=torch.float32) for each in own))
        if channels != 4:
            return None
        if "XL" not in pipelines.name:
            return cls(*(torch.tensor(each, dtype=torch.float32) for each in _SD))
        factors, bias = (torch.tensor(each, dtype=torch.float32) / 127.5 for each in _XL)
        return cls(factors, bias - 1)

    def picture(self, latents: torch.Tensor) -> Image.Image:
        """(1, channels, height, width) -> an RGB picture of width x height pixels."""
        pixels = torch.einsum("chw,cr->hwr", latents[0].float().cpu(), self.factors) + self.bias
        bytes_ = ((pixels.nan_to_num() * 0.5 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)
        return Image.fromarray(bytes_.numpy())


@dataclass(frozen=True, eq=False, slots=True)
class Preview:
    """One frame after one step; call it for the picture, from any thread."""

    colours: Colours
    prediction: Prediction
    seen: torch.Tensor
    """What the model was given, (1, channels, height, width): variance-preserving, whatever the scheduler."""
    output: torch.Tensor
    alpha_squared: float
    """The schedule's `alphas_cumprod` at the step's time."""

    def __call__(self) -> Image.Image:
        alpha = torch.tensor(math.sqrt(max(self.alpha_squared, 1e-6)))
        sigma = torch.tensor(math.sqrt(max(1 - self.alpha_squared, 0.0)))
        seen, output = (each.float().cpu() for each in (self.seen, self.output))
        return self.colours.picture(self.prediction.original(seen, output, alpha, sigma))


class Previewer:
    """Makes the previews of a model's frames; none where its colours are unknown."""

    def __init__(self, pipelines: Pipelines, folder: Path | None) -> None:
        config = pipelines.scheduler.config
        self._prediction = Prediction(config.get("prediction_type", "epsilon"))
        self._colours = Colours.of(pipelines, folder) if self._prediction.kind in KINDS else None
        alphas = getattr(pipelines.scheduler, "alphas_cumprod", None)
        self._alphas: list[float] = [] if alphas is None else alphas.tolist()

    def preview(self, seen: torch.Tensor, output: torch.Tensor, time: float) -> Preview | None:
        """Of one row, (1, channels, height, width) each; `time` counts training steps."""
        if self._colours is None or not 0 <= round(time) < len(self._alphas):
            return None
        return Preview(self._colours, self._prediction, seen, output, self._alphas[round(time)])


def _read(path: Path, channels: int) -> tuple[Sequence[Sequence[float]], Sequence[float]] | None:
    """Factors and bias; None unless the file holds exactly these, for so many channels."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            return None
        content = json.loads(path.read_bytes())
        factors, bias = content["factors"], content["bias"]
        rows = [*factors, bias]
        fine = len(rows) == channels + 1 and all(len(row) == 3 and all(map(math.isfinite, row)) for row in rows)
    except (OSError, ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return None
    return (factors, bias) if fine else None
