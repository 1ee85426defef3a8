"""Schedulers by name: with the model's own settings, with other spacings, and in place of one that can't be had."""

import copy
import importlib.util
import inspect
import json
import shutil
import threading

import diffusers
import pytest
import torch

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.models import Model, load_engine
from sframes_tui.engine.pipelines import count_from_noise, count_from_picture, sampling_of
from sframes_tui.engine.protocol import Drawn
from sframes_tui.engine.stepping.solvers import Tabled, pick_solver
from sframes_tui.errors import ModelError
from sframes_tui.model.sampling import read_sampling
from sframes_tui.model.schedulers import SETTINGS, TAKES_SIGMAS
from sframes_tui.model.source import locate_model
from tests.engine import tiny
from tests.engine.drawing import (
    Drawing,
    batched,
    configured,
    in_double,
    job_of,
    largest_difference,
    planned,
    reference,
    sd,
)

NO_SCIPY = importlib.util.find_spec("scipy") is None
HERE = sorted(TAKES_SIGMAS - {"FlowMatchEulerDiscrete", *(["LMSDiscrete"] if NO_SCIPY else [])})


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return tiny.tiny_sd(tmp_path_factory.mktemp("scheduling") / "sd")


@pytest.fixture
def folder(original, tmp_path):
    return shutil.copytree(original, tmp_path / "model")


def options(model, **values):
    return GenerationConfig(model=str(model), num_inference_steps=4, width=32, height=32, **values)


def change(folder, name):
    """Names another class as the model's own scheduler."""
    for file, key, value in (
        ("scheduler/scheduler_config.json", "_class_name", name),
        ("model_index.json", "scheduler", ["diffusers", name]),
    ):
        path = folder / file
        path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))


def taken(scheduler):
    """What a scheduler's class knows of its configuration."""
    return {key: scheduler.config.get(key) for key in inspect.signature(type(scheduler).__init__).parameters}


@pytest.mark.parametrize("name", [*SETTINGS, "DPM++ 2M Karras", "Euler a", "euler_k", "DDIM", "LCM"])
def test_a_named_scheduler_is_diffusers_own_with_the_models_settings(original, name):
    config = options(original, scheduler=name)
    engine = load_engine(config)
    made, own = engine.pipelines.scheduler, diffusers.PNDMScheduler.from_pretrained(original, subfolder="scheduler")
    settings = dict(SETTINGS.get(config.scheduler, (None, {}))[1])
    if config.sigmas:
        settings |= {"use_karras_sigmas": config.sigmas == "karras"}
    assert taken(type(made).from_config(own.config, **settings)) == taken(made)
    assert engine.pipelines.image.scheduler is made
    assert read_sampling(locate_model(str(original)), config.scheduler, config.sigmas) == engine.facts.sampling


@pytest.mark.parametrize("sigmas", ["karras", "exponential"])
@pytest.mark.parametrize("name", HERE)
def test_spacings_leave_the_steps_as_the_plan_counts_them(name, sigmas):
    pipelines = sd(name, **{f"use_{sigmas}_sigmas": True})
    for steps in (1, 2, 7, 20):
        sampling = sampling_of(pipelines)
        assert sampling.steps_from_noise(steps) == count_from_noise(pipelines, steps), steps
        for strength in (0.1, 0.5, 1.0):
            planned_steps = sampling.steps_from_picture(steps, strength)
            assert planned_steps == count_from_picture(pipelines, steps, strength), (steps, strength)


SPACED = {
    "Euler, Karras": ("EulerDiscrete", {"use_karras_sigmas": True}, 6),
    "DPM++ 2M, Karras": ("DPMSolverMultistep", {"use_karras_sigmas": True}, 6),
    "DPM++ 2M, exponential": ("DPMSolverMultistep", {"use_exponential_sigmas": True}, 6),
    "DPM++ 2M, timesteps that repeat": ("DPMSolverMultistep", {"use_exponential_sigmas": True}, 20),
}


@pytest.mark.parametrize("name", SPACED)
def test_rows_with_other_spacings_are_those_of_diffusers(name):
    scheduler, settings, steps = SPACED[name]
    pipelines = sd(scheduler, **settings)
    timed = copy.deepcopy(pipelines.scheduler)
    timed.set_timesteps(steps)
    assert isinstance(pick_solver(timed, 0.0, torch.device("cpu")), Tabled)
    assert ("repeat" in name) == (len(set(timed.timesteps.tolist())) < steps)
    config = configured(weights=(0.7, 0.4), prompts=2, num_inference_steps=steps)
    plan = planned(pipelines, config)
    theirs = Drawing(plan, reference(pipelines, config))
    assert largest_difference(theirs, Drawing(plan, batched(pipelines, config, 1))) == 0
    assert largest_difference(theirs, Drawing(plan, batched(pipelines, config, 3))) <= 1
    double = in_double(pipelines)
    exact = Drawing(plan, reference(double, config))
    assert largest_difference(exact, Drawing(plan, batched(double, config, 3))) == 0


def refused(config, said):
    with pytest.raises(ModelError, match=said) as caught:
        load_engine(config)
    assert "\n" not in str(caught.value)


def test_a_scheduler_of_the_model_that_takes_no_spacing_is_told_before_and_while_loading(original):
    refused(options(original, sigmas="karras"), 'sigmas = "karras": the scheduler PNDM spaces')
    with pytest.raises(ModelError, match='sigmas = "karras": the scheduler PNDM spaces'):
        read_sampling(locate_model(str(original)), None, "karras")


@pytest.mark.skipif(not NO_SCIPY, reason="scipy is installed")
def test_what_needs_scipy_says_so(folder):
    refused(options(folder, scheduler="Euler", sigmas="beta"), 'sigmas = "beta" needs scipy.*`pip install scipy`')
    refused(options(folder, scheduler="LMS"), "'LMSDiscrete' needs scipy, .*`pip install scipy`")
    change(folder, "LMSDiscreteScheduler")
    refused(options(folder), 'its scheduler LMSDiscrete needs scipy, .*; or set scheduler = "EulerDiscrete"')


@pytest.mark.parametrize("name", ["LMSDiscreteScheduler", "GoneScheduler"])
def test_a_named_scheduler_takes_the_place_of_one_that_cannot_be_had(original, folder, name):
    change(folder, name)
    there, expected = (load_engine(options(each, scheduler="EulerDiscrete")).pipelines for each in (folder, original))
    assert taken(there.scheduler) == taken(expected.scheduler)
    assert there.image.scheduler is there.scheduler


def test_a_kept_model_whose_own_scheduler_is_missing_still_wants_a_name(folder):
    change(folder, "GoneScheduler")
    model = Model(locate_model(str(folder)), options(folder, scheduler="DDIM"))
    model.engine(options(folder, scheduler="Euler a"), "tiny").close()
    with pytest.raises(ModelError, match="own scheduler can't be had; set scheduler"):
        model.engine(options(folder), "tiny")


def test_a_model_without_a_schedulers_file_keeps_what_it_has(folder):
    (folder / "scheduler" / "scheduler_config.json").unlink()
    refused(options(folder, scheduler="DDIM"), "so its scheduler can't be replaced")


@pytest.mark.parametrize("make", [tiny.tiny_sd3, tiny.tiny_flux])
def test_flow_models_take_other_spacings(make, tmp_path):
    engines = [load_engine(options(make(tmp_path / "flow"), sigmas=each)) for each in (None, "karras")]
    pictures = []
    for engine in engines:
        engine.admit(job_of())
        while not (outcomes := engine.advance(lambda _: None, threading.Event())):
            pass
        assert isinstance(outcomes[0], Drawn), outcomes
        pictures.append(outcomes[0].picture.tobytes())
        assert read_sampling(locate_model(str(tmp_path / "flow")), None) == engine.facts.sampling
    assert pictures[0] != pictures[1]
