"""The vectorised steps against diffusers' own, row by row."""

import copy
from types import SimpleNamespace

import diffusers
import pytest
import torch

from sframes_tui.engine.rows import Row
from sframes_tui.engine.solvers import RowByRow, Tabled, pick_solver
from tests.engine.tiny import SD_BETAS

STEPS = 12
STARTS = (0, 5, 10, 3)
CPU = torch.device("cpu")


def scheduler_of(name, **settings):
    scheduler = getattr(diffusers, f"{name}Scheduler")(**{**SD_BETAS, **settings})
    scheduler.set_timesteps(STEPS)
    return scheduler


def row(scheduler, start, seed):
    """A row of the batch, without what solvers don't look at."""
    own = copy.deepcopy(scheduler)
    if hasattr(own, "set_begin_index"):
        own.set_begin_index(start)
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(seed))
    job = SimpleNamespace(frame=seed)
    return Row(job, torch.Generator().manual_seed(seed), own, start, latents, None, None, 0.0)


def model(sample, time):
    """Stands in for the UNet: a function of each row alone."""
    return torch.sin(3 * sample + time)


def run(solver, scheduler, dtype):
    """Every row to its end, rows leaving as they are done; the latents after each step."""
    rows = [row(scheduler, start, seed) for seed, start in enumerate(STARTS)]
    for each in rows:
        each.latents = each.latents.to(dtype)
    trace = [[] for _ in rows]
    while going := [each for each in rows if not each.done]:
        latents = torch.cat([each.latents for each in going])
        scaled = solver.scaled(going, latents)
        assert scaled.dtype == dtype
        times = torch.stack([each.time for each in going]).reshape(-1, 1, 1, 1)
        output = model(scaled, times).to(dtype)
        for each, after in zip(going, solver.step(going, output, latents).split(1), strict=True):
            assert after.dtype == dtype
            each.latents = after
            each.step += 1
            trace[each.job.frame].append(after)
    return trace


V = {"prediction_type": "v_prediction"}
ZERO_SNR = {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}

CASES = {
    "DDIM": ("DDIM", {"clip_sample": False}, 0.0),
    "DDIM, eta .1": ("DDIM", {"clip_sample": False}, 0.1),
    "DDIM, eta 1, to alpha 1": ("DDIM", {"clip_sample": False, "set_alpha_to_one": True}, 1.0),
    "DDIM, clipped": ("DDIM", {"clip_sample": True, "set_alpha_to_one": False}, 0.5),
    "DDIM, v": ("DDIM", {"clip_sample": False, **V, **ZERO_SNR}, 0.3),
    "DDIM, sample": ("DDIM", {"clip_sample": False, "prediction_type": "sample"}, 0.3),
    "Euler": ("EulerDiscrete", {}, 0.0),
    "Euler, v": ("EulerDiscrete", {**V, **ZERO_SNR}, 0.0),
    "Euler, Karras": ("EulerDiscrete", {"use_karras_sigmas": True}, 0.0),
    "Euler-A": ("EulerAncestralDiscrete", {}, 0.0),
    "Euler-A, v": ("EulerAncestralDiscrete", {**V, **ZERO_SNR}, 0.0),
    "DPM++ 2M": ("DPMSolverMultistep", {}, 0.0),
    "DPM++ 2M, v": ("DPMSolverMultistep", {**V, **ZERO_SNR}, 0.0),
    "DPM++ 2M, to the least sigma": ("DPMSolverMultistep", {"final_sigmas_type": "sigma_min"}, 0.0),
    "DPM++ 2M, of full order to the end": (
        "DPMSolverMultistep",
        {"final_sigmas_type": "sigma_min", "lower_order_final": False},
        0.0,
    ),
    "DPM++ 2M, Karras": ("DPMSolverMultistep", {"use_karras_sigmas": True}, 0.0),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", CASES)
def test_vectorised_steps_are_diffusers_own_to_the_bit(name, dtype):
    kind, settings, eta = CASES[name]
    scheduler = scheduler_of(kind, **settings)
    solver = pick_solver(scheduler, eta, CPU)
    assert isinstance(solver, Tabled)
    for ours, theirs in zip(
        run(solver, scheduler, dtype), run(RowByRow(scheduler, eta), scheduler, dtype), strict=True
    ):
        assert len(ours) == len(theirs)
        for step, (mine, their) in enumerate(zip(ours, theirs, strict=True)):
            assert torch.equal(mine, their), (step, (mine - their).abs().max())


def test_half_precision_steps_are_near():
    """Ours compute in 32 bits and round once; diffusers rounds after every operation."""
    scheduler = scheduler_of("DDIM", clip_sample=False)
    ours = run(pick_solver(scheduler, 0.1, CPU), scheduler, torch.bfloat16)
    theirs = run(RowByRow(scheduler, 0.1), scheduler, torch.bfloat16)
    for mine, their in zip(ours, theirs, strict=True):
        assert torch.allclose(mine[0], their[0], atol=0.1, rtol=0.05)


OTHERS = {
    "thresholding": ("DDIM", {"thresholding": True}),
    "third order": ("DPMSolverMultistep", {"solver_order": 3}),
    "stochastic": ("DPMSolverMultistep", {"algorithm_type": "sde-dpmsolver++"}),
    "Heun's": ("HeunDiscrete", {}),
    "PNDM": ("PNDM", {"skip_prk_steps": True}),
    "continuous": ("EulerDiscrete", {"timestep_type": "continuous", **V}),
}


@pytest.mark.parametrize("name", OTHERS)
def test_whatever_has_no_table_steps_row_by_row(name):
    kind, settings = OTHERS[name]
    assert isinstance(pick_solver(scheduler_of(kind, **settings), 0.0, CPU), RowByRow)
