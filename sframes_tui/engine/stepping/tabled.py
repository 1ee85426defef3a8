"""One step of every row at its own place in the schedule, for schedulers whose steps depend on nothing before them.

Each algorithm is a pure function over rows with a coefficient each, gathered from a table that is made once, on the
CPU, as diffusers computes it: a step waits for nothing on the device. Must not call a model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch

from sframes_tui.engine.pipelines import Scheduler
from sframes_tui.engine.stepping.rows import Row

Rows: TypeAlias = Sequence[Row]


def draw_noise(rows: Rows, like: torch.Tensor) -> torch.Tensor:
    """Gaussian noise, (rows, channels, height, width), each row's from its own CPU generator as diffusers draws it.

    On CUDA it comes through page-locked memory, so that the copy waits for nothing.
    """
    on_cuda = like.device.type == "cuda"
    noise = torch.empty(like.shape, dtype=like.dtype, pin_memory=on_cuda)
    for index, row in enumerate(rows):
        noise[index : index + 1].normal_(generator=row.generator)
    return noise.to(like.device, non_blocking=True)


KINDS = ("epsilon", "v_prediction", "sample")
"""Diffusers' `prediction_type`s that the arithmetic here knows."""


@dataclass(frozen=True)
class Prediction:
    """What a model's output means. With x = alpha x0 + sigma noise, all as (rows, 1, 1, 1) or (rows, c, h, w)."""

    kind: str
    """Diffusers' `prediction_type`: "epsilon", "v_prediction" or "sample"."""

    def original(self, x: torch.Tensor, output: torch.Tensor, alpha: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """x0, for a variance-preserving x."""
        if self.kind == "epsilon":
            return (x - sigma * output) / alpha
        return alpha * x - sigma * output if self.kind == "v_prediction" else output

    def noise(self, x: torch.Tensor, output: torch.Tensor, alpha: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """The noise, for a variance-preserving x."""
        if self.kind == "epsilon":
            return output
        return alpha * output + sigma * x if self.kind == "v_prediction" else (x - alpha * output) / sigma

    def denoised(self, x: torch.Tensor, output: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """x0, for a variance-exploding x = x0 + sigma noise (Karras et al. 2022, arXiv 2206.00364, section 5)."""
        if self.kind == "epsilon":
            return x - sigma * output
        if self.kind == "v_prediction":
            return output * (-sigma / (sigma**2 + 1) ** 0.5) + x / (sigma**2 + 1)
        return output


Coefficients: TypeAlias = tuple[torch.Tensor, ...]
"""(rows, 1, 1, 1) float32 each."""


def ddim(
    x0: torch.Tensor, noise_predicted: torch.Tensor, noise: torch.Tensor | None, coefficients: Coefficients
) -> torch.Tensor:
    """Song et al. 2021 (arXiv 2010.02502), formula 12: to `alpha x0 + direction noise_predicted + deviation noise`."""
    alpha_next, direction, deviation = coefficients
    x = alpha_next * x0 + direction * noise_predicted
    return x if noise is None else x + deviation * noise


def euler(x: torch.Tensor, x0: torch.Tensor, sigma: torch.Tensor, sigma_next: torch.Tensor) -> torch.Tensor:
    """Karras et al. 2022 (arXiv 2206.00364), algorithm 2 without its correction: along dx/dsigma to `sigma_next`."""
    derivative = (x - x0) / sigma
    return x + derivative * (sigma_next - sigma)


class Tabled:
    """Coefficients by place in the schedule, on the device; a subclass is one algorithm."""

    def __init__(self, scheduler: Scheduler, eta: float, device: torch.device) -> None:
        self._prediction = Prediction(scheduler.config.prediction_type)
        self._table = torch.stack(self._columns(scheduler, eta), dim=1).float().to(device)

    def _columns(self, scheduler: Scheduler, eta: float) -> list[torch.Tensor]:
        """Float32 on the CPU, one number for every place in the schedule each, computed as diffusers does."""
        raise NotImplementedError

    def _gathered(self, places: Sequence[int]) -> Coefficients:
        device = self._table.device
        index = torch.tensor(places, pin_memory=device.type == "cuda").to(device, non_blocking=True)
        return self._table[index].reshape(len(places), -1, 1, 1, 1).unbind(1)

    def scaled(self, rows: Rows, latents: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        return latents

    def step(self, rows: Rows, output: torch.Tensor, latents: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError


class Ddim(Tabled):
    """`DDIMScheduler`, whatever its eta; adds noise only where eta is above 0."""

    def __init__(self, scheduler: Scheduler, eta: float, device: torch.device) -> None:
        super().__init__(scheduler, eta, device)
        self._eta = eta
        self._bound = scheduler.config.clip_sample_range if scheduler.config.clip_sample else None

    def _columns(self, scheduler: Scheduler, eta: float) -> list[torch.Tensor]:
        times = scheduler.timesteps.cpu()
        before = times - scheduler.config.num_train_timesteps // scheduler.num_inference_steps
        alphas = scheduler.alphas_cumprod.cpu()
        alpha, alpha_next = alphas[times], torch.where(before >= 0, alphas[before], scheduler.final_alpha_cumprod)
        beta, beta_next = 1 - alpha, 1 - alpha_next
        deviation = eta * ((beta_next / beta) * (1 - alpha / alpha_next)) ** 0.5
        return [alpha**0.5, beta**0.5, alpha_next**0.5, (1 - alpha_next - deviation**2) ** 0.5, deviation]

    def step(self, rows: Rows, output: torch.Tensor, latents: torch.Tensor) -> torch.Tensor:
        alpha, sigma, *rest = self._gathered([row.place for row in rows])
        x0 = self._prediction.original(latents, output, alpha, sigma)
        predicted = self._prediction.noise(latents, output, alpha, sigma)
        if self._bound is not None:
            x0 = x0.clamp(-self._bound, self._bound)
        noise = draw_noise(rows, latents) if self._eta > 0 else None
        return ddim(x0, predicted, noise, tuple(rest))


class Euler(Tabled):
    """`EulerDiscreteScheduler` as pipelines call it: without churn."""

    def _columns(self, scheduler: Scheduler, eta: float) -> list[torch.Tensor]:  # noqa: ARG002
        sigma, sigma_next = scheduler.sigmas[:-1], scheduler.sigmas[1:]
        return [sigma, sigma_next, (sigma**2 + 1) ** 0.5]

    def scaled(self, rows: Rows, latents: torch.Tensor) -> torch.Tensor:
        divisor = self._gathered([row.place for row in rows])[2]
        return latents / divisor

    def step(self, rows: Rows, output: torch.Tensor, latents: torch.Tensor) -> torch.Tensor:
        sigma, sigma_next, _ = self._gathered([row.place for row in rows])
        x = latents.float()
        x0 = self._prediction.denoised(x, output, sigma)
        return euler(x, x0, sigma, sigma_next).to(latents.dtype)


class EulerAncestral(Euler):
    """`EulerAncestralDiscreteScheduler`: Euler to a lower sigma, then noise up to the next one.

    As `sample_euler_ancestral` of k-diffusion.
    """

    def _columns(self, scheduler: Scheduler, eta: float) -> list[torch.Tensor]:
        sigma, sigma_next, divisor = super()._columns(scheduler, eta)
        up = (sigma_next**2 * (sigma**2 - sigma_next**2) / sigma**2) ** 0.5
        down = (sigma_next**2 - up**2) ** 0.5
        return [sigma, down, divisor, up]

    def step(self, rows: Rows, output: torch.Tensor, latents: torch.Tensor) -> torch.Tensor:
        sigma, down, _, up = self._gathered([row.place for row in rows])
        x = latents.float()
        x0 = self._prediction.denoised(x, output, sigma)
        return (euler(x, x0, sigma, down) + draw_noise(rows, latents) * up).to(latents.dtype)
