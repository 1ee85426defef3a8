"""Tabled steps that look back: DPM-Solver++(2M), PNDM and UniPC over rows, each with a memory of its own.

A table holds every place in the schedule once for each state that a row's memory can be in. Must not call a model.
"""

from dataclasses import dataclass
from typing import TypeAlias

import torch

from sframes_tui.engine.pipelines import Scheduler
from sframes_tui.engine.stepping.tabled import Coefficients, Rows, Tabled

Pair: TypeAlias = tuple[torch.Tensor, torch.Tensor]


class Multistep(Tabled):
    """A row remembers `slots` tensors like its latents, zeros before its first step."""

    slots: int

    def _remembered(self, rows: Rows, latents: torch.Tensor) -> torch.Tensor:
        """(rows, slots, channels, height, width)."""
        nothing = latents.new_zeros((1, self.slots, *latents.shape[1:]))
        return torch.cat([nothing if row.memory is None else row.memory for row in rows])

    def _remember(self, rows: Rows, memory: torch.Tensor) -> None:
        for row, each in zip(rows, torch.split(memory, 1), strict=True):
            row.memory = each


def dpm_solver_pp_2m(
    x: torch.Tensor, x0: torch.Tensor, x0_before: torch.Tensor, coefficients: Coefficients
) -> torch.Tensor:
    """Lu et al. 2022 (arXiv 2211.01095), algorithm 2: DPM-Solver++(2M), midpoint.

    Rows at an order of one have zero in place of the last two coefficients.
    """
    shrink, first, second, slope = coefficients
    return shrink * x - first * x0 - second * (slope * (x0 - x0_before))


class DpmSolverPp2M(Multistep):
    """`DPMSolverMultistepScheduler` of order 2: remembers each row's x0 of the step before.

    The table is there twice, the second time for a row's first step, which has no step before it.
    """

    slots = 1

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
        *coefficients, alpha, sigma = self._gathered([row.place + (0 if row.step else length) for row in rows])
        x0 = self._prediction.original(latents, output, alpha, sigma)
        (before,) = self._remembered(rows, latents).unbind(1)
        self._remember(rows, x0[:, None])
        return dpm_solver_pp_2m(latents.float(), x0, before, tuple(coefficients)).to(latents.dtype)


def _lower_at_the_end(scheduler: Scheduler) -> bool:
    config, few = scheduler.config, len(scheduler.timesteps) < 15
    return bool(config.euler_at_final or (config.lower_order_final and few) or config.final_sigmas_type == "zero")


ADAMS_BASHFORTH = (
    ((1, 0, 0, 0), 1),
    ((1, 1, 0, 0), 2),
    ((3, -1, 0, 0), 2),
    ((23, -16, 5, 0), 12),
    ((55, -59, 37, -9), 24),
)
"""Weights of a step's output and of those before it, and their divisor, by the number of steps a row has done."""


def pndm(x: torch.Tensor, noise: torch.Tensor, coefficients: Coefficients) -> torch.Tensor:
    """Liu et al. 2022 (arXiv 2202.09778), the transfer part: from x along the noise to the next time."""
    keep, change, divisor = coefficients
    return keep * x - change * noise / divisor


class Pndm(Multistep):
    """`PNDMScheduler` without Runge-Kutta steps, as Stable Diffusion 1 is used: the paper's linear multistep method.

    A row's second step looks at where the first one went and takes the first again with the mean of both outputs; so
    the table is there five times, for steps with 0, 1, 2, 3 and more outputs to look back at. Remembered are the last
    three outputs that count, the newest first, and what the first step began with.
    """

    slots = 4

    def _columns(self, scheduler: Scheduler, eta: float) -> list[torch.Tensor]:  # noqa: ARG002
        times = scheduler.timesteps.cpu()
        stride = scheduler.config.num_train_timesteps // scheduler.num_inference_steps
        parts = []
        for number, (weights, divisor) in enumerate(ADAMS_BASHFORTH):
            again = number == 1
            start = times + stride if again else times
            same = torch.tensor([again, *weights, divisor], dtype=torch.float32).expand(len(times), -1)
            parts.append([*same.unbind(1), *_moves(scheduler, start, start - stride)])
        return [torch.cat(column) for column in zip(*parts, strict=True)]

    def step(self, rows: Rows, output: torch.Tensor, latents: torch.Tensor) -> torch.Tensor:
        length, last = len(self._table) // len(ADAMS_BASHFORTH), len(ADAMS_BASHFORTH) - 1
        again, *columns = self._gathered([row.place + length * min(row.step, last) for row in rows])
        weights, (divisor, alpha, sigma, *moved) = columns[:4], columns[4:]
        memory = self._remembered(rows, latents)
        *before, began = memory.unbind(1)
        total = sum(weight * each for weight, each in zip(weights, (output, *before), strict=True))
        # Diffusers divides, but multiplies by a 24th, which rounds otherwise.
        combined = torch.where(divisor == 24, total * (1 / 24), total / divisor)
        x = torch.where(again > 0, began, latents)
        now = torch.stack([output, *before[:2], latents], dim=1)
        self._remember(rows, torch.where(again[:, None] > 0, memory, now))
        return pndm(x, self._prediction.noise(x, combined, alpha, sigma), tuple(moved))


def _moves(scheduler: Scheduler, start: torch.Tensor, end: torch.Tensor) -> list[torch.Tensor]:
    """Alpha and sigma at some times, and `pndm`'s coefficients from there to others."""
    alphas = scheduler.alphas_cumprod.cpu()
    # Beyond the last time is only a second step at the first place, which no row takes.
    alpha = alphas[start.clamp(max=len(alphas) - 1)]
    alpha_next = torch.where(end >= 0, alphas[end], scheduler.final_alpha_cumprod)
    beta, beta_next = 1 - alpha, 1 - alpha_next
    divisor = alpha * beta_next**0.5 + (alpha * beta * alpha_next) ** 0.5
    return [alpha**0.5, beta**0.5, (alpha_next / alpha) ** 0.5, alpha_next - alpha, divisor]


def unipc(
    x: torch.Tensor,
    x0: torch.Tensor,
    x0_before: torch.Tensor,
    x0_after: torch.Tensor | None,
    coefficients: Coefficients,
) -> torch.Tensor:
    """Zhao et al. 2023 (arXiv 2302.04867), of order 2 on predicted x0: UniP without, UniC with `x0_after`.

    `x0` is the one at x, the others those of a step before it and of the step that is corrected.
    """
    shrink, first, second, ratio, rho_before, rho_after = coefficients
    slope = rho_before * ((x0_before - x0) / ratio)
    if x0_after is not None:
        slope = slope + rho_after * (x0_after - x0)
    return shrink * x - first * x0 - second * slope


class UniPc(Multistep):
    """`UniPCMultistepScheduler` of order 2: each output first corrects the step before it, then predicts the next.

    The table is there three times, for rows with 0, 1, 2 and more outputs to look back at. Remembered are the last two
    x0, the newest first, and the corrected latents of the step before.
    """

    slots = 3

    def _columns(self, scheduler: Scheduler, eta: float) -> list[torch.Tensor]:  # noqa: ARG002
        length = len(scheduler.timesteps)
        rows = [self._coefficients(scheduler, place, done) for done in range(3) for place in range(length)]
        return list(torch.tensor(rows).unbind(1))

    def _coefficients(self, scheduler: Scheduler, place: int, done: int) -> list[float]:
        """Of a place, for rows that have done so many steps (2 means more as well)."""
        alpha, sigma = _alpha_and_sigma(scheduler, place)
        corrects = place > 0 and done > 0 and place - 1 not in scheduler.disable_corrector
        order = min(_order_at(scheduler, place - 1), done, place)
        corrector = _unic(scheduler, place - 1, order) if corrects else [0.0, 0.0, 0.0, 1.0, 0.0, 0.0]
        predictor = _unip(scheduler, place, min(_order_at(scheduler, place), done + 1, place + 1))
        return [float(alpha), float(sigma), float(corrects), *corrector, *predictor]

    def step(self, rows: Rows, output: torch.Tensor, latents: torch.Tensor) -> torch.Tensor:
        length = len(self._table) // 3
        places = [row.place + length * min(row.step, 2) for row in rows]
        alpha, sigma, corrects, *rest = self._gathered(places)
        before, before_that, began = self._remembered(rows, latents).unbind(1)
        x0 = self._prediction.original(latents, output, alpha, sigma)
        corrected = unipc(began, before, before_that, x0, tuple(rest[:6]))
        x = torch.where(corrects > 0, corrected, latents)
        self._remember(rows, torch.stack([x0, before, x], dim=1))
        return unipc(x, x0, before, None, tuple(rest[6:]))


def _order_at(scheduler: Scheduler, place: int) -> int:
    """The order that UniPC's settings allow there."""
    left = len(scheduler.timesteps) - place
    return min(2, left) if scheduler.config.lower_order_final else 2


def _alpha_and_sigma(scheduler: Scheduler, place: int) -> Pair:
    pair: Pair = scheduler._sigma_to_alpha_sigma_t(scheduler.sigmas[place])  # noqa: SLF001
    return pair


def _half_log_snr(scheduler: Scheduler, place: int) -> torch.Tensor:
    alpha, sigma = _alpha_and_sigma(scheduler, place)
    return torch.log(alpha) - torch.log(sigma)


@dataclass(frozen=True, slots=True)
class Expansion:
    """UniPC's step from one place to the next: the exponential integrator's factors, and its system of equations."""

    factors: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
    """Of x, of x0 and of what is added for higher orders."""
    ratio: torch.Tensor
    """How far back the step before goes, in units of this one; 1 for an order of 1."""
    system: tuple[torch.Tensor, torch.Tensor]
    """R and b of the paper, (order, order) and (order,)."""


def _expansion(scheduler: Scheduler, place: int, order: int) -> Expansion:
    """Number by number as `multistep_uni_p_bh_update` does it: several at once may be rounded otherwise."""
    (alpha, sigma), (_, sigma_0) = (_alpha_and_sigma(scheduler, each) for each in (place + 1, place))
    start, one = _half_log_snr(scheduler, place), torch.ones(())
    h = _half_log_snr(scheduler, place + 1) - start
    ratio = one if order == 1 else (_half_log_snr(scheduler, place - 1) - start) / h
    ratios = torch.stack([ratio, one][-order:])
    step = -h
    phi_1 = torch.expm1(step)
    phi = phi_1 / step - 1
    scale = step if scheduler.config.solver_type == "bh1" else torch.expm1(step)
    factorial, matrix, right = 1, [], []
    for power in range(order):
        matrix.append(torch.pow(ratios, power))
        right.append(phi * factorial / scale)
        factorial *= power + 2
        phi = phi / step - 1 / factorial
    factors = (sigma / sigma_0, alpha * phi_1, alpha * scale)
    return Expansion(factors, ratio, (torch.stack(matrix), torch.stack(right)))


def _unip(scheduler: Scheduler, place: int, order: int) -> list[float]:
    expansion = _expansion(scheduler, place, order)
    return [*map(float, expansion.factors), float(expansion.ratio), 0.0 if order == 1 else 0.5, 0.0]


def _unic(scheduler: Scheduler, place: int, order: int) -> list[float]:
    expansion = _expansion(scheduler, place, order)
    rho = [0.0, 0.5] if order == 1 else torch.linalg.solve(*expansion.system).tolist()
    return [*map(float, expansion.factors), float(expansion.ratio), *rho]
