"""What the UNet is told beside the latents: embedded prompts and picture sizes. One row's, and joined for a batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch

from sframes_tui.engine.pipelines import Pipeline, Pipelines, default_of
from sframes_tui.engine.protocol import FromPicture, Look, Start

KEPT_PROMPTS = 128
"""Embedded prompts that are kept; one of Stable Diffusion XL fills a third of a megabyte in half precision."""

Encoded = tuple[torch.Tensor, torch.Tensor | None]
"""(1, tokens, width) and, with Stable Diffusion XL, (1, width)."""
Sizes = tuple[torch.Tensor, torch.Tensor]
"""`time_ids` and the negative ones, (1, 5 or 6) each."""


@dataclass(frozen=True, eq=False, slots=True)
class Condition:
    """One row's conditioning; batches of them are joined along the first dimension."""

    hidden: torch.Tensor
    """(rows, tokens, width): the embedded prompt."""
    pooled: torch.Tensor | None = None
    """(rows, width): Stable Diffusion XL's pooled embedding."""
    sizes: torch.Tensor | None = None
    """(rows, numbers): Stable Diffusion XL's `time_ids`."""

    @classmethod
    def joined(cls, parts: Sequence["Condition"]) -> Self:
        pooled = [part.pooled for part in parts if part.pooled is not None]
        sizes = [part.sizes for part in parts if part.sizes is not None]
        return cls(
            torch.cat([part.hidden for part in parts]),
            torch.cat(pooled) if pooled else None,
            torch.cat(sizes) if sizes else None,
        )

    def arguments(self) -> dict[str, Any]:
        """What a `UNet2DConditionModel` takes them as."""
        added = None if self.pooled is None else {"text_embeds": self.pooled, "time_ids": self.sizes}
        return {"encoder_hidden_states": self.hidden, "added_cond_kwargs": added}

    def zeros(self) -> "Condition":
        """The same shapes with nothing said, for rows that nobody looks at."""
        empty = [None if each is None else torch.zeros_like(each) for each in (self.pooled, self.sizes)]
        return Condition(torch.zeros_like(self.hidden), *empty)


class Conditioner:
    """Encodes each prompt once and the negative prompt once, by the pipeline's own `encode_prompt` at batch 1.

    What it keeps lies in plain dictionaries: a cache around its own methods would be a cycle, and the model would
    live until the garbage collector finds it.
    """

    def __init__(self, pipelines: Pipelines, negative: str | None, guided: bool, size: tuple[int, int]) -> None:
        """`size` is (width, height) in pixels; `guided` says whether negative conditions are wanted at all."""
        self._pipelines, self._negative, self._guided, self._size = pipelines, negative, guided, size
        self._device = pipelines.text._execution_device  # noqa: SLF001
        self._nothing: Encoded | None = None
        self._encoded: dict[str, Encoded] = {}
        self._sizes: dict[bool, Sizes] = {}

    def pair(self, look: Look, start: Start) -> tuple[Condition, Condition | None]:
        """A look's condition, and the negative prompt's where rows are guided."""
        hidden, pooled = self._encode_once(look.prompt)
        if pooled is None:
            return Condition(hidden), Condition(*self._nothing) if self._nothing else None
        from_base = isinstance(start, FromPicture)
        if from_base not in self._sizes:
            numbers, negative_numbers = self._size_numbers(from_base, pooled.shape[-1])
            self._sizes[from_base] = (numbers.to(pooled), negative_numbers.to(pooled))
        sizes, negative_sizes = self._sizes[from_base]
        negative = Condition(*self._nothing, negative_sizes) if self._nothing else None
        return Condition(hidden, pooled, sizes), negative

    def _encode_once(self, prompt: str) -> Encoded:
        """A prompt encoded now or not long ago; the one that was wanted longest ago makes room."""
        encoded = self._encoded.pop(prompt, None) or self._encode(prompt)
        self._encoded[prompt] = encoded
        if len(self._encoded) > KEPT_PROMPTS:
            del self._encoded[next(iter(self._encoded))]
        return encoded

    def _encode(self, prompt: str) -> Encoded:
        """The first call encodes the negative prompt too."""
        pipe = self._pipelines.text
        with torch.no_grad():
            encoded = pipe.encode_prompt(
                prompt=prompt,
                device=self._device,
                num_images_per_prompt=1,
                do_classifier_free_guidance=self._guided and self._nothing is None,
                negative_prompt=self._negative,
            )
        hidden, nothing, *pooled = encoded
        if nothing is not None:
            self._nothing = (nothing, pooled[1] if pooled else None)
        return hidden, pooled[0] if pooled else None

    def _size_numbers(self, from_base: bool, width: int) -> Sizes:
        """Stable Diffusion XL's: a picture uncropped at its size. `width` is that of the pooled embedding."""
        pipe, whole = self._pipelines.text, (self._size[1], self._size[0])
        asked: dict[str, Any] = {"dtype": torch.float32, "text_encoder_projection_dim": width}
        if not from_base:
            numbers = pipe._get_add_time_ids(whole, (0, 0), whole, **asked)  # noqa: SLF001
            return numbers, numbers
        image: Pipeline = self._pipelines.image
        scores = (_score(image, "aesthetic_score"), _score(image, "negative_aesthetic_score"))
        both: Sizes = image._get_add_time_ids(  # noqa: SLF001
            whole, (0, 0), whole, *scores, whole, (0, 0), whole, **asked
        )
        return both


def _score(pipe: Pipeline, name: str) -> float:
    return float(default_of(pipe.__call__, name))
