"""A frame while it is drawn, and how its drawing begins: each kind of start becomes latents at a step here.

Noise comes from the frame's own CPU generator in the order in which diffusers' pipelines draw it: the posterior sample
of the base first, then the noise the picture starts from, then that of each step. Latents and noise are of 32 bits,
whatever the UNet's number format: in half precision a step would lose what it adds in their last bits.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.arguments import arguments_for
from sframes_tui.engine.pipelines import Pipelines, Scheduler
from sframes_tui.engine.protocol import Facts, FromNoise, FromPicture, Job, Look
from sframes_tui.engine.stepping.autoencoder import Autoencoder
from sframes_tui.engine.stepping.conditioning import Condition, Conditioner


@dataclass(eq=False, slots=True)
class Row:
    """One frame in flight."""

    job: Job
    generator: torch.Generator
    scheduler: Scheduler
    """Its own copy, timesteps set."""
    first: int
    """Index of its first step in the whole schedule."""
    latents: torch.Tensor
    """(1, channels, height, width); float32, or float64 where the UNet is."""
    text: Condition
    negative: Condition | None
    rescale: float
    """Guidance rescale, where the frame's pipeline takes it."""
    slot: int = 0
    """Which place of the batch is its own."""
    step: int = 0
    """Steps done."""
    memory: torch.Tensor | None = None
    """What a multistep solver keeps of the steps before: (1, tensors, channels, height, width)."""

    @property
    def place(self) -> int:
        """Index of the coming step in the whole schedule."""
        return self.first + self.step

    @property
    def time(self) -> torch.Tensor:
        """The coming step's timestep, on the CPU: reading it waits for no device."""
        timestep: torch.Tensor = self.scheduler.timesteps[self.place]
        return timestep

    @property
    def steps(self) -> int:
        return len(self.scheduler.timesteps) - self.first

    @property
    def done(self) -> bool:
        return self.step == self.steps


class Starter:
    """Jobs -> rows at their first step."""

    def __init__(self, pipelines: Pipelines, facts: Facts, config: GenerationConfig, scheduler: Scheduler) -> None:
        """`scheduler` has its timesteps set, on the CPU."""
        size = (facts.width, facts.height)
        self._pipelines, self._facts, self._scheduler = pipelines, facts, scheduler
        self._device: torch.device = pipelines.text._execution_device  # noqa: SLF001
        self._arguments = {id(pipe): arguments_for(pipe, config, size).fixed for pipe in pipelines.all()}
        plain = self._arguments[id(pipelines.text)]
        guided = config.guidance_scale > 1 and pipelines.text.unet.config.time_cond_proj_dim is None
        negative = plain.get("negative_prompt")
        self._conditioner = Conditioner(pipelines, str(negative) if negative else None, guided, size)
        self._autoencoder = Autoencoder(pipelines.text, together=not config.deterministic)

    @property
    def autoencoder(self) -> Autoencoder:
        return self._autoencoder

    def condition(self, prompt: str) -> tuple[Condition, Condition | None]:
        """A prompt's condition and the negative one, as a frame drawn from noise has them."""
        return self._conditioner.pair(Look(prompt), FromNoise())

    def begin(self, jobs: Sequence[Job]) -> list[Row]:
        """Rows of several jobs, their bases encoded together where the autoencoder does that."""
        rows = [self._blank(job) for job in jobs]
        bases = [(row, row.job.start.picture) for row in rows if isinstance(row.job.start, FromPicture)]
        if bases:
            encoded = self._autoencoder.encode([base for _, base in bases], [row.generator for row, _ in bases])
            for (row, _), latents in zip(bases, encoded, strict=True):
                row.latents = self._noised(row, latents)
        return rows

    def _blank(self, job: Job) -> Row:
        """A row that is ready but for its base."""
        pipe = self._pipelines.drawing(job.start)
        generator = torch.Generator("cpu").manual_seed(job.seed)
        scheduler = copy.deepcopy(self._scheduler)
        text, negative = self._conditioner.pair(job.look, job.start)
        rescale = self._arguments[id(pipe)].get("guidance_rescale", 0.0)
        assert isinstance(rescale, float)
        row = Row(job, generator, scheduler, 0, text.hidden, text, negative, rescale)
        match job.start:
            case FromNoise():
                row.latents = self._pure_noise(generator) * scheduler.init_noise_sigma
                if hasattr(pipe, "text_encoder_2") and hasattr(scheduler, "set_begin_index"):
                    scheduler.set_begin_index(0)
            case FromPicture(strength=strength):
                row.first = self._cut(scheduler, strength)
        return row

    def _cut(self, scheduler: Scheduler, strength: float) -> int:
        """Where in the schedule a frame of that strength begins, by its pipeline; the scheduler learns it too."""
        image = self._pipelines.image
        assert image is not None
        kept, image.scheduler = image.scheduler, scheduler
        try:
            timesteps, _ = image.get_timesteps(self._steps_asked(), strength, "cpu")
        finally:
            image.scheduler = kept
        return len(scheduler.timesteps) - len(timesteps)

    def _steps_asked(self) -> int:
        asked = self._arguments[id(self._pipelines.text)]["num_inference_steps"]
        assert isinstance(asked, int)
        return asked

    def latent_shape(self) -> tuple[int, int, int, int]:
        """(1, channels, height, width)."""
        pipe = self._pipelines.text
        scale = pipe.vae_scale_factor
        return (1, pipe.unet.config.in_channels, self._facts.height // scale, self._facts.width // scale)

    def _pure_noise(self, generator: torch.Generator) -> torch.Tensor:
        from diffusers.utils.torch_utils import randn_tensor

        noise: torch.Tensor = randn_tensor(
            self.latent_shape(), generator=generator, device=self._device, dtype=self._autoencoder.latent_dtype
        )
        return noise

    def _noised(self, row: Row, latents: torch.Tensor) -> torch.Tensor:
        """An encoded base with as much noise as its first step takes away."""
        if latents.shape != self.latent_shape():
            raise ValueError(f"a base of another size: latents {tuple(latents.shape)}, not {self.latent_shape()}")
        noised: torch.Tensor = row.scheduler.add_noise(latents, self._pure_noise(row.generator), row.time[None])
        return noised
