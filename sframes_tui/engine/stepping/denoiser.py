"""One UNet call for all rows, each at its own timestep, and guidance. Must not step a scheduler or draw noise.

What decides the last bits of a row besides its own numbers is the size of the batch, the row's position in it and
the memory format (measured: the contents of the other rows don't). So a fixed layout keeps all three.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.device.compiling import compiled, filled_up
from sframes_tui.engine.device.cuda import wait_for
from sframes_tui.engine.device.devices import HALF
from sframes_tui.engine.device.memory import is_out_of_memory
from sframes_tui.engine.pipelines import Pipeline
from sframes_tui.engine.stepping.conditioning import Condition
from sframes_tui.engine.stepping.rows import Row

TIMED_CALLS = 3


@dataclass(frozen=True, eq=False, slots=True)
class Layout:
    """Where rows stand in the batch while its members stay the same: [unconditional half, conditional half]."""

    rows: tuple[Row, ...]
    guided: tuple[int, ...]
    """Which of the rows are guided."""
    size: int
    """Places in the conditional half, fillers included."""
    places: tuple[int, ...]
    """Of each row in the conditional half."""
    twins: tuple[int, ...]
    """Places of the conditional half that have a twin in the unconditional one, in its order."""
    condition: Condition
    rescale: torch.Tensor | None
    """(guided rows, 1, 1, 1), or None where no row wants it."""


class Denoiser:
    """The UNet of a pipeline with guidance."""

    def __init__(self, pipe: Pipeline, config: GenerationConfig, timesteps: torch.Tensor) -> None:
        """`timesteps` are those of the whole schedule, on the CPU."""
        self._pipe, self._unet, self._timesteps = pipe, pipe.unet, timesteps
        # Asked once: diffusers looks through all of a model's modules for the answers.
        self.device: torch.device = pipe._execution_device  # noqa: SLF001
        self._dtype: torch.dtype = pipe.unet.dtype
        self._guidance = config.guidance_scale
        self._interval = (config.guidance_start * len(timesteps), config.guidance_end * len(timesteps))
        self._compiled = compiled(pipe.unet, self.device, config.deterministic) if config.compile else None
        self._layout: Layout | None = None
        self._embedded_guidance = self._embed_guidance()

    def __call__(self, rows: Sequence[Row], latents: torch.Tensor, fixed: int | None) -> torch.Tensor:
        """The guided model output, like `latents` (rows, channels, height, width), which are scaled already.

        The UNet alone sees and gives them in its own number format.

        `fixed` is the number of places in a batch that always looks the same: a row stands at its slot, or all close
        up where one's slot lies beyond, fillers take the other places, and the memory format is one. None: rows close
        up, whatever their format.
        """
        layout = self._laid_out(rows, fixed)
        batch = _placed(latents, layout).to(self._dtype)
        if layout.size > 1:
            batch = batch.contiguous(memory_format=self._format(batch))
        batch = torch.cat([_picked(batch, layout.twins), batch]) if layout.twins else batch
        output = self._call(self._network, batch, self._times(layout), layout.condition)
        return self._guide(output.to(latents.dtype), layout)

    @property
    def _network(self) -> Callable[..., Any]:
        return self._unet if self._compiled is None else self._compiled

    def places(self, rows: int, capacity: int) -> int | None:
        """How many places a call of so many rows has, where they are not pinned to theirs; None where that is free."""
        return None if self._compiled is None else min(filled_up(rows, capacity, self.device), capacity)

    def _format(self, batch: torch.Tensor) -> torch.memory_format:
        """Tensor cores want the channels last in half precision."""
        return torch.channels_last if batch.dtype in HALF and batch.device.type == "cuda" else torch.contiguous_format

    def _call(
        self, unet: Callable[..., Any], batch: torch.Tensor, times: torch.Tensor, condition: Condition
    ) -> torch.Tensor:
        embedded = self._embedded_guidance
        told = None if embedded is None else embedded.expand(len(batch), -1)
        output: torch.Tensor = unet(batch, times, timestep_cond=told, return_dict=False, **condition.arguments())[0]
        return output

    def _times(self, layout: Layout) -> torch.Tensor:
        """(batch,) timesteps, on the device; fillers look at the first one."""
        places = [0] * layout.size
        for place, row in zip(layout.places, layout.rows, strict=True):
            places[place] = row.place
        times = self._timesteps[torch.tensor([*(places[place] for place in layout.twins), *places])]
        if self.device.type == "cuda":
            times = times.pin_memory()
        return times.to(self.device, non_blocking=True)

    def _guide(self, output: torch.Tensor, layout: Layout) -> torch.Tensor:
        """Ho and Salimans 2022 (arXiv 2207.12598), in the form that Stable Diffusion uses."""
        plain = _picked(output[len(layout.twins) :], layout.places)
        if not layout.guided:
            return plain
        text = _picked(plain, layout.guided)
        nothing = _picked(output, [layout.twins.index(layout.places[row]) for row in layout.guided], len(layout.twins))
        guided = nothing + self._guidance * (text - nothing)
        if layout.rescale is not None:
            guided = _rescaled(guided, text, layout.rescale)
        if len(layout.guided) == len(layout.rows):
            return guided
        mixed = dict(enumerate(torch.split(plain, 1))) | dict(zip(layout.guided, torch.split(guided, 1), strict=True))
        return torch.cat([mixed[row] for row in range(len(layout.rows))])

    def _laid_out(self, rows: Sequence[Row], fixed: int | None) -> Layout:
        """The layout of these rows; made anew only when they changed, for it joins their conditions."""
        guided = tuple(index for index, row in enumerate(rows) if self._is_guided(row))
        kept = self._layout
        if kept is None or kept.rows != tuple(rows) or kept.guided != guided or kept.size != (fixed or len(rows)):
            self._layout = kept = _lay_out(tuple(rows), guided, fixed)
        return kept

    def _is_guided(self, row: Row) -> bool:
        """Kynkäänniemi et al. 2024 (arXiv 2404.07724): guidance in a part of the schedule alone."""
        start, end = self._interval
        return row.negative is not None and start <= row.place < end

    def drop_compiled(self) -> bool:
        """Calls the UNet as it is from now on; whether that is anything new."""
        was, self._compiled = self._compiled, None
        return was is not None

    def forget(self) -> None:
        """Lets go of the rows of the last call."""
        self._layout = None

    def _embed_guidance(self) -> torch.Tensor | None:
        """(1, width), for models that were distilled to read the guidance scale; None for all others."""
        width = self._unet.config.time_cond_proj_dim
        if width is None:
            return None
        scale = torch.tensor([self._guidance - 1])
        embedded: torch.Tensor = self._pipe.get_guidance_scale_embedding(scale, embedding_dim=width)
        return embedded.to(device=self.device, dtype=self._dtype)

    def call_seconds(self, rows: int, shape: Sequence[int], condition: Condition, guided: bool) -> float:
        """Seconds of one call with so many rows and their unconditional halves; the best of a few.

        `shape` is a row's, (1, channels, height, width). Infinite where memory doesn't suffice. What is compiled is
        timed so: the first call compiles it for that size, and is never the best.
        """
        batch = rows * (2 if guided else 1)
        try:
            latents = torch.zeros((batch, *shape[1:]), device=self.device, dtype=self._dtype)
            latents = latents.contiguous(memory_format=self._format(latents))
            times = self._timesteps[:1].expand(batch).to(self.device)
            joined = Condition.joined([condition.zeros()] * batch)
            return self._best_time(latents, times, joined)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            return math.inf

    def _best_time(self, latents: torch.Tensor, times: torch.Tensor, condition: Condition) -> float:
        """Of the network as it is where it can't be compiled; drawing finds that out again, and says so."""
        try:
            return min(self._timed(self._network, latents, times, condition) for _ in range(TIMED_CALLS))
        except Exception as error:
            if self._compiled is None or is_out_of_memory(error):
                raise
        return min(self._timed(self._unet, latents, times, condition) for _ in range(TIMED_CALLS))

    @torch.inference_mode()
    def _timed(
        self, network: Callable[..., Any], latents: torch.Tensor, times: torch.Tensor, condition: Condition
    ) -> float:
        wait_for(self.device)
        started = time.perf_counter()
        self._call(network, latents, times, condition)
        wait_for(self.device)
        return time.perf_counter() - started


def _lay_out(rows: tuple[Row, ...], guided: tuple[int, ...], fixed: int | None) -> Layout:
    """A fixed layout has a twin for every place, whether its row is guided just now or not."""
    size = len(rows) if fixed is None else fixed
    slots = tuple(row.slot for row in rows)
    places = tuple(range(len(rows))) if fixed is None or max(slots) >= size else slots
    everywhere = fixed is not None and fixed > 1 and any(row.negative for row in rows)
    twins = tuple(range(size)) if everywhere else tuple(places[row] for row in guided)
    condition = _joined_conditions(rows, size, places, twins)
    return Layout(rows, guided, size, places, twins, condition, _rescale_factors(rows, guided))


def _joined_conditions(rows: tuple[Row, ...], size: int, places: tuple[int, ...], twins: tuple[int, ...]) -> Condition:
    """The unconditional half before the conditional one; nothing is said at places without a row."""
    filler = rows[0].text.zeros()
    texts, negatives = [filler] * size, [filler] * size
    for place, row in zip(places, rows, strict=True):
        texts[place] = row.text
        negatives[place] = row.negative or filler
    return Condition.joined([*(negatives[place] for place in twins), *texts])


def _rescale_factors(rows: tuple[Row, ...], guided: tuple[int, ...]) -> torch.Tensor | None:
    factors = [rows[index].rescale for index in guided]
    if not any(factors):
        return None
    like = rows[0].latents
    return torch.tensor(factors, dtype=like.dtype, device=like.device).reshape(-1, 1, 1, 1)


def _rescaled(guided: torch.Tensor, text: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    """Lin et al. 2023 (arXiv 2305.08891), section 3.4: guided rows get back the deviation of the text rows."""
    deviation, guided_deviation = (each.std(dim=(1, 2, 3), keepdim=True) for each in (text, guided))
    return factor * (guided * (deviation / guided_deviation)) + (1 - factor) * guided


def _placed(latents: torch.Tensor, layout: Layout) -> torch.Tensor:
    """Rows at their places, zeros in all others."""
    if layout.places == tuple(range(layout.size)):
        return latents
    parts = [torch.zeros_like(latents[:1])] * layout.size
    for place, each in zip(layout.places, torch.split(latents, 1), strict=True):
        parts[place] = each
    return torch.cat(parts)


def _picked(batch: torch.Tensor, places: Sequence[int], of: int | None = None) -> torch.Tensor:
    """The rows at some places of the first `of` (all), in that order; without a copy where they are all of them."""
    if list(places) == list(range(len(batch) if of is None else of)):
        return batch[: len(places)]
    return torch.cat([batch[place : place + 1] for place in places])
