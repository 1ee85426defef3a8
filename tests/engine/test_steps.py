"""The plan's step counts against the schedulers' own timesteps, and its tables against diffusers."""

import diffusers
import pytest

from sframes_tui.engine.capabilities import count_steps, sampling_of
from sframes_tui.engine.loading import paired
from sframes_tui.errors import ModelError
from sframes_tui.story.schedulers import SCHEDULERS
from tests.engine import tiny

STRENGTHS = (None, 0.0, 0.1, 0.29, 0.33, 0.5, 0.58, 0.9, 1.0)
STEPS = (1, 2, 3, 4, 5, 10, 20, 50)


@pytest.fixture(scope="module")
def sd():
    return paired(tiny.sd_pipeline())


@pytest.fixture(scope="module")
def sd3(tmp_path_factory):
    folder = tiny.tiny_sd3(tmp_path_factory.mktemp("sd3"))
    return paired(diffusers.StableDiffusion3Pipeline.from_pretrained(folder))


def put(pipelines, name, **settings):
    scheduler = getattr(diffusers, f"{name}Scheduler").from_config(pipelines.scheduler.config, **settings)
    for pipe in pipelines.all():
        pipe.scheduler = scheduler


def differences(pipelines):
    sampling = sampling_of(pipelines)
    for steps in STEPS:
        for strength in STRENGTHS:
            try:
                real = 0 if strength == 0 else count_steps(pipelines, steps, strength)
            except ModelError:
                continue
            if sampling.real_steps(steps, strength) != real:
                yield steps, strength, sampling.real_steps(steps, strength), real


@pytest.mark.parametrize("name", [name for name in SCHEDULERS if not name.startswith("FlowMatch")])
def test_sd_steps_are_the_schedulers_own(sd, name):
    put(sd, name)
    assert sampling_of(sd).family == "sd"
    assert list(differences(sd)) == []


@pytest.mark.parametrize("skip", [True, False])
def test_pndm_with_and_without_its_warm_up(sd, skip):
    put(sd, "PNDM", skip_prk_steps=skip)
    assert list(differences(sd)) == []


@pytest.mark.parametrize("name", ["FlowMatchEulerDiscrete", "FlowMatchHeunDiscrete"])
def test_flow_steps_are_the_schedulers_own(sd3, name):
    put(sd3, name)
    assert sampling_of(sd3).family == "flow"
    assert list(differences(sd3)) == []
