"""The plan's step counts against the schedulers' own timesteps, and its tables against diffusers."""

import inspect

import diffusers
import pytest
from diffusers.pipelines import auto_pipeline

from sframes_tui.engine.loading.loading import paired
from sframes_tui.engine.pipelines import count_from_noise, count_from_picture, sampling_of
from sframes_tui.errors import ModelError
from sframes_tui.model.sampling import TAKES_ETA, read_sampling
from sframes_tui.model.schedulers import SCHEDULERS
from sframes_tui.model.source import ModelSource, locate_model
from tests.engine import tiny
from tests.engine.drawing import steps_of

STRENGTHS = (None, 0.0, 0.1, 0.29, 0.33, 0.5, 0.58, 0.9, 1.0)
"""None: from noise."""
STEPS = (1, 2, 3, 4, 5, 10, 20, 50)


@pytest.fixture(scope="module")
def sd():
    return paired(tiny.sd_pipeline())


@pytest.fixture(scope="module")
def sd3(tmp_path_factory):
    folder = tiny.tiny_sd3(tmp_path_factory.mktemp("sd3"))
    return paired(diffusers.StableDiffusion3Pipeline.from_pretrained(folder))


def test_consistency_models_always_run_all_their_steps(tmp_path):
    lcm = paired(diffusers.LatentConsistencyModelPipeline.from_pretrained(tiny.tiny_lcm(tmp_path)))
    assert sampling_of(lcm).family == "lcm"
    assert [counted(lcm, 4, strength) for strength in (None, 0.1, 0.5, 1.0)] == [4, 4, 4, 4]
    assert [steps_of(sampling_of(lcm), 4, strength) for strength in (None, 0.0, 0.1, 1.0)] == [4, 0, 4, 4]


def counted(pipelines, steps, strength):
    if strength is None:
        return count_from_noise(pipelines, steps)
    return count_from_picture(pipelines, steps, strength)


def put(pipelines, name, **settings):
    scheduler = getattr(diffusers, f"{name}Scheduler").from_config(pipelines.scheduler.config, **settings)
    for pipe in pipelines.all():
        pipe.scheduler = scheduler


def differences(pipelines):
    sampling = sampling_of(pipelines)
    for steps in STEPS:
        for strength in STRENGTHS:
            try:
                real = 0 if strength == 0 else counted(pipelines, steps, strength)
            except ModelError:
                continue
            if (asked := steps_of(sampling, steps, strength)) != real:
                yield steps, strength, asked, real


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


def text_to_image_classes():
    for kind, text in auto_pipeline.AUTO_TEXT2IMAGE_PIPELINES_MAPPING.items():
        if "control" not in kind:
            yield pytest.param(text, auto_pipeline.AUTO_IMAGE2IMAGE_PIPELINES_MAPPING.get(kind), id=kind)


@pytest.mark.parametrize(("text", "image"), text_to_image_classes())
def test_what_is_read_of_a_pipelines_name_is_what_diffusers_does(tmp_path, text, image):
    (tmp_path / "model_index.json").write_text(f'{{"_class_name": "{text.__name__}"}}')
    (tmp_path / "scheduler").mkdir()
    (tmp_path / "scheduler" / "scheduler_config.json").write_text('{"_class_name": "DDIMScheduler"}')
    sampling = read_sampling(locate_model(str(tmp_path)), None)
    takes = [set(inspect.signature(each.__call__).parameters) for each in (text, image) if each]
    assert sampling.scheduler == "DDIM" in TAKES_ETA
    assert sampling.img2img == (image is not None and {"strength", "image"} <= takes[1])
    assert sampling.eta == all("eta" in each for each in takes[: 1 + sampling.img2img])
    if sampling.img2img and (counted := getattr(image, "get_timesteps", None)):
        if sampling.family == "lcm":
            assert "strength=strength" in inspect.getsource(image.__call__)
            return
        rounds_down = "int(num_inference_steps * strength)" in inspect.getsource(counted)
        assert sampling.family == ("sd" if rounds_down else "flow")


@pytest.mark.parametrize(
    ("name", "family", "scheduler"),
    [
        ("stable-diffusion-v1-5/stable-diffusion-v1-5", "sd", "PNDM"),
        ("stabilityai/stable-diffusion-xl-base-1.0", "sd", "EulerDiscrete"),
        ("black-forest-labs/FLUX.1-schnell", "flow", "FlowMatchEulerDiscrete"),
    ],
)
def test_a_model_that_is_not_here_is_assumed_by_its_name(name, family, scheduler):
    sampling = read_sampling(ModelSource(name, "hub", None), None)
    assert (sampling.family, sampling.scheduler, sampling.assumed) == (family, scheduler, True)
    assert read_sampling(ModelSource(name, "hub", None), "DDIM").scheduler == "DDIM"


@pytest.mark.parametrize("text", ["", "[]", "{}", "[" * 100_000, '{"_class_name": 7}'])
def test_an_unreadable_model_index_is_one_sentence(tmp_path, text):
    (tmp_path / "model_index.json").write_text(text)
    with pytest.raises(ModelError, match=r"^model .*model_index.json"):
        read_sampling(locate_model(str(tmp_path)), None)


@pytest.mark.parametrize(
    "name", ["builtin:nothing", "./none", "a b/c d", "x\0y", "n" * 5000, "model.ckpt", "gpt2", "~nobody/x"]
)
def test_a_name_that_is_no_model_is_one_sentence(name):
    with pytest.raises(ModelError, match=r"^model ") as caught:
        locate_model(name)
    assert "\n" not in str(caught.value)
