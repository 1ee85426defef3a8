"""One step of every row at its own place in the schedule: schedulers' arithmetic over a batch. Must not call a model.

Diffusers' schedulers take one timestep for a whole batch. Here each algorithm is a pure function over rows with a
coefficient each, gathered from a table that is made once; every other scheduler steps row by row, on a copy a row.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import torch

from sframes_tui.engine.capabilities import Scheduler, scheduler_name, takes
from sframes_tui.engine.rows import Row

Rows: TypeAlias = Sequence[Row]


class Solver(Protocol):
    """What turns model outputs into the next latents; rows are (rows, channels, height, width), in one order."""

    def scaled(self, rows: Rows, latents: torch.Tensor) -> torch.Tensor:
        """Latents as the model wants to see them."""
        ...

    def step(self, rows: Rows, output: torch.Tensor, latents: torch.Tensor) -> torch.Tensor:
        """The latents one step on, in the output's number format; draws each row's noise from its own generator."""
        ...


class RowByRow:
    """Each row's own scheduler object: exact by construction, for every scheduler diffusers has."""

    def __init__(self, scheduler: Scheduler, eta: float) -> None:
        self._eta = {"eta": eta} if takes(scheduler.step, "eta") else {}
        self._takes_generator = takes(scheduler.step, "generator")

    def scaled(self, rows: Rows, latents: torch.Tensor) -> torch.Tensor:
        return torch.cat(
            [
                row.scheduler.scale_model_input(each, row.time)
                for row, each in zip(rows, torch.split(latents, 1), strict=True)
            ]
        )

    def step(self, rows: Rows, output: torch.Tensor, latents: torch.Tensor) -> torch.Tensor:
        stepped = [
            row.scheduler.step(each, row.time, latent, **self._eta, **self._noise(row), return_dict=False)[0]
            for row, each, latent in zip(rows, torch.split(output, 1), torch.split(latents, 1), strict=True)
        ]
        return torch.cat(stepped)

    def _noise(self, row: Row) -> dict[str, Any]:
        return {"generator": row.generator} if self._takes_generator else {}


def draw_noise(rows: Rows, like: torch.Tensor) -> torch.Tensor:
    """Gaussian noise, (rows, channels, height, width), each row's from its own CPU generator as diffusers draws it.

    On CUDA it comes through page-locked memory, so that the copy waits for nothing.
    """
    on_cuda = like.device.type == "cuda"
    noise = torch.empty(like.shape, dtype=like.dtype, pin_memory=on_cuda)
    for index, row in enumerate(rows):
        noise[index : index + 1].normal_(generator=row.generator)
    return noise.to(like.device, non_blocking=True)


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


def dpm_solver_pp_2m(
    x: torch.Tensor, x0: torch.Tensor, x0_before: torch.Tensor, coefficients: Coefficients
) -> torch.Tensor:
    """Lu et al. 2022 (arXiv 2211.01095), algorithm 2: DPM-Solver++(2M), midpoint.

    Rows at an order of one have zero in place of the last two coefficients.
    """
    shrink, first, second, slope = coefficients
    return shrink * x - first * x0 - second * (slope * (x0 - x0_before))


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
        noise = draw_noise(rows, output) if self._eta > 0 else None
        return ddim(x0, predicted, noise, tuple(rest)).to(output.dtype)


class Euler(Tabled):
    """`EulerDiscreteScheduler` as pipelines call it: without churn."""

    def _columns(self, scheduler: Scheduler, eta: float) -> list[torch.Tensor]:  # noqa: ARG002
        sigma, sigma_next = scheduler.sigmas[:-1], scheduler.sigmas[1:]
        return [sigma, sigma_next, (sigma**2 + 1) ** 0.5]

    def scaled(self, rows: Rows, latents: torch.Tensor) -> torch.Tensor:
        divisor = self._gathered([row.place for row in rows])[2]
        return (latents / divisor).to(latents.dtype)

    def step(self, rows: Rows, output: torch.Tensor, latents: torch.Tensor) -> torch.Tensor:
        sigma, sigma_next, _ = self._gathered([row.place for row in rows])
        x = latents.float()
        x0 = self._prediction.denoised(x, output, sigma)
        return euler(x, x0, sigma, sigma_next).to(output.dtype)


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
        return (euler(x, x0, sigma, down) + draw_noise(rows, output) * up).to(output.dtype)


class DpmSolverPp2M(Tabled):
    """`DPMSolverMultistepScheduler` of order 2: remembers each row's x0 of the step before.

    The table is there twice, the second time for a row's first step, which has no step before it.
    """

    def _columns(self, scheduler: Scheduler, eta: float) -> list[torch.Tensor]:  # noqa: ARG002
        ratio = scheduler.sigmas
        alpha = 1 / ((ratio**2 + 1) ** 0.5)
        sigma = ratio * alpha
        half_log_snr = torch.log(alpha) - torch.log(sigma)
        h = half_log_snr[1:] - half_log_snr[:-1]
        first = alpha[1:] * (torch.exp(-h) - 1.0)
        slope = 1.0 / ((half_log_snr[:-1] - half_log_snr.roll(1)[:-1]) / h)
        second = 0.5 * first
        lower = torch.zeros(len(h), dtype=torch.bool)
        lower[0], lower[-1] = True, _lower_at_the_end(scheduler)
        multistep = torch.stack([sigma[1:] / sigma[:-1], first, second, slope, alpha[:-1], sigma[:-1]])
        multistep[2:4, lower] = 0.0
        single = multistep.clone()
        single[2:4] = 0.0
        return list(torch.cat([multistep, single], dim=1))

    def step(self, rows: Rows, output: torch.Tensor, latents: torch.Tensor) -> torch.Tensor:
        length = len(self._table) // 2
        places = [row.place + (length if row.memory is None else 0) for row in rows]
        *coefficients, alpha, sigma = self._gathered(places)
        x0 = self._prediction.original(latents, output, alpha, sigma)
        before = [
            each if row.memory is None else row.memory for row, each in zip(rows, torch.split(x0, 1), strict=True)
        ]
        for row, each in zip(rows, torch.split(x0, 1), strict=True):
            row.memory = each
        return dpm_solver_pp_2m(latents.float(), x0, torch.cat(before), tuple(coefficients)).to(output.dtype)


def _lower_at_the_end(scheduler: Scheduler) -> bool:
    config, few = scheduler.config, len(scheduler.timesteps) < 15
    return bool(config.euler_at_final or (config.lower_order_final and few) or config.final_sigmas_type == "zero")


def _is_2m(scheduler: Scheduler) -> bool:
    wanted = {"solver_order": 2, "algorithm_type": "dpmsolver++", "solver_type": "midpoint", "use_flow_sigmas": False}
    return all(scheduler.config.get(key) == value for key, value in wanted.items())


TABLED: dict[str, tuple[type[Tabled], Callable[[Scheduler], bool]]] = {
    "DDIM": (Ddim, lambda _: True),
    "EulerDiscrete": (Euler, lambda scheduler: scheduler.config.timestep_type == "discrete"),
    "EulerAncestralDiscrete": (EulerAncestral, lambda _: True),
    "DPMSolverMultistep": (DpmSolverPp2M, _is_2m),
}


def pick_solver(scheduler: Scheduler, eta: float, device: torch.device) -> Solver:
    """A vectorised solver for a scheduler whose timesteps are set; row by row where there is none for its settings."""
    kind, fits = TABLED.get(scheduler_name(scheduler), (None, lambda _: False))
    plain = not scheduler.config.get("thresholding", False) and fits(scheduler)
    times = scheduler.timesteps.tolist()
    findable = times.count(times[0]) == 1  # else diffusers begins a picture at the second of the places alike
    if kind is None or not plain or not findable or scheduler.config.prediction_type not in KINDS:
        return RowByRow(scheduler, eta)
    return kind(scheduler, eta, device)


KINDS = ("epsilon", "v_prediction", "sample")
