"""The vectorised steps against diffusers' own, row by row."""

import copy
from types import SimpleNamespace

import diffusers
import pytest
import torch

from sframes_tui.engine.stepping.rows import Row
from sframes_tui.engine.stepping.solvers import RowByRow, pick_solver
from sframes_tui.engine.stepping.tabled import Tabled
from tests.engine.tiny import SD_BETAS

STEPS = 12
STARTS = (0, 5, 10, 3)
CPU = torch.device("cpu")


def scheduler_of(name, steps=STEPS, **settings):
    scheduler = getattr(diffusers, f"{name}Scheduler")(**{**SD_BETAS, **settings})
    scheduler.set_timesteps(steps)
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


def run(solver, scheduler, dtype, output_dtype=None):
    """Every row to its end, rows leaving as they are done; the latents after each step.

    The model's outputs are rounded to `output_dtype`, if that is given.
    """
    rows = [row(scheduler, start, seed) for seed, start in enumerate(STARTS)]
    for each in rows:
        each.latents = each.latents.to(dtype)
    trace = [[] for _ in rows]
    while going := [each for each in rows if not each.done]:
        latents = torch.cat([each.latents for each in going])
        scaled = solver.scaled(going, latents)
        assert scaled.dtype == dtype
        times = torch.stack([each.time for each in going]).reshape(-1, 1, 1, 1)
        output = model(scaled, times).to(output_dtype or dtype).to(dtype)
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
    "PNDM": ("PNDM", {"skip_prk_steps": True}, 0.0),
    "PNDM, v, to alpha 1": ("PNDM", {"skip_prk_steps": True, "set_alpha_to_one": True, **V}, 0.0),
    "PNDM, trailing": ("PNDM", {"skip_prk_steps": True, "timestep_spacing": "trailing"}, 0.0),
    "PNDM, no offset": ("PNDM", {"skip_prk_steps": True, "steps_offset": 0}, 0.0),
    "UniPC": ("UniPCMultistep", {}, 0.0),
    "UniPC, v": ("UniPCMultistep", {**V, **ZERO_SNR}, 0.0),
    "UniPC, sample": ("UniPCMultistep", {"prediction_type": "sample"}, 0.0),
    "UniPC, Karras": ("UniPCMultistep", {"use_karras_sigmas": True}, 0.0),
    "UniPC, exponential": ("UniPCMultistep", {"use_exponential_sigmas": True}, 0.0),
    "UniPC, B of h": ("UniPCMultistep", {"solver_type": "bh1", "final_sigmas_type": "sigma_min"}, 0.0),
    "UniPC, of full order to the end": (
        "UniPCMultistep",
        {"lower_order_final": False, "final_sigmas_type": "sigma_min"},
        0.0,
    ),
    "UniPC, some steps uncorrected": ("UniPCMultistep", {"disable_corrector": [0, 3, 5]}, 0.0),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", CASES)
def test_vectorised_steps_are_diffusers_own_to_the_bit(name, dtype):
    kind, settings, eta = CASES[name]
    scheduler = scheduler_of(kind, **settings)
    assert_equal(scheduler, eta, dtype)


def assert_equal(scheduler, eta, dtype):
    solver = pick_solver(scheduler, eta, CPU)
    assert isinstance(solver, Tabled)
    for ours, theirs in zip(
        run(solver, scheduler, dtype), run(RowByRow(scheduler, eta), scheduler, dtype), strict=True
    ):
        assert len(ours) == len(theirs)
        for step, (mine, their) in enumerate(zip(ours, theirs, strict=True)):
            assert torch.equal(mine, their), (step, (mine - their).abs().max())


@pytest.mark.parametrize("name", ["DPMSolverMultistep", "UniPCMultistep"])
def test_schedules_that_repeat_a_time_have_a_table_too(name):
    """50 steps of Karras' sigmas come to the same whole timestep twice."""
    scheduler = scheduler_of(name, 50, use_karras_sigmas=True)
    assert len(set(scheduler.timesteps.tolist())) < 50
    assert_equal(scheduler, 0.0, torch.float32)


def test_a_schedule_that_repeats_its_first_time_steps_row_by_row():
    """Diffusers' schedulers take it for the second place, where they look for a text-to-image's."""
    scheduler = scheduler_of("UniPCMultistep")
    scheduler.timesteps[1] = scheduler.timesteps[0]
    assert isinstance(pick_solver(scheduler, 0.0, CPU), RowByRow)


@pytest.mark.parametrize("name", ["DDIM, eta .1", "Euler", "DPM++ 2M", "PNDM", "UniPC"])
def test_a_half_precision_models_latents_come_nearer_where_they_stay_in_32_bits(name):
    """Diffusers' pipelines keep them in the model's format: what a step adds is lost in their last bits."""
    kind, settings, eta = CASES[name]
    scheduler = scheduler_of(kind, **settings)

    def error(latents):
        trace = run(RowByRow(scheduler, eta), scheduler, latents, output_dtype=torch.bfloat16)
        return max((mine[-1] - exact[-1]).abs().max() for mine, exact in zip(trace, truth, strict=True))

    truth = run(RowByRow(scheduler, eta), scheduler, torch.float64)
    assert error(torch.float32) < error(torch.bfloat16) / 2


OTHERS = {
    "thresholding": ("DDIM", {"thresholding": True}),
    "third order": ("DPMSolverMultistep", {"solver_order": 3}),
    "stochastic": ("DPMSolverMultistep", {"algorithm_type": "sde-dpmsolver++"}),
    "Heun's": ("HeunDiscrete", {}),
    "PNDM with its warm-up": ("PNDM", {"skip_prk_steps": False}),
    "UniPC of third order": ("UniPCMultistep", {"solver_order": 3}),
    "UniPC on the noise": ("UniPCMultistep", {"predict_x0": False}),
    "UniPC with thresholding": ("UniPCMultistep", {"thresholding": True}),
    "continuous": ("EulerDiscrete", {"timestep_type": "continuous", **V}),
}


@pytest.mark.parametrize("name", OTHERS)
def test_whatever_has_no_table_steps_row_by_row(name):
    kind, settings = OTHERS[name]
    assert isinstance(pick_solver(scheduler_of(kind, **settings), 0.0, CPU), RowByRow)
