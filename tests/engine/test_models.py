"""Every kind of model draws, from noise and from a base; what can't be had or done is said in one sentence."""

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.models import load_engine
from sframes_tui.engine.protocol import Drawn
from sframes_tui.errors import ModelError
from sframes_tui.model.sampling import read_sampling
from sframes_tui.model.source import locate_model
from tests.engine import tiny
from tests.engine.drawing import job_of, steps_of
from tests.engine.loading.single_file import tiny_checkpoint

ROOT = Path(__file__).resolve().parents[2]
MAKERS = {
    "sd": tiny.tiny_sd,
    "lcm": tiny.tiny_lcm,
    "sdxl": tiny.tiny_sdxl,
    "sd3": tiny.tiny_sd3,
    "flux": tiny.tiny_flux,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model's folder by its kind, made when it is first asked for."""
    made = {}

    def get(kind):
        if kind not in made:
            made[kind] = MAKERS[kind](tmp_path_factory.mktemp(kind) / kind)
        return made[kind]

    return get


def options(model, **values):
    return GenerationConfig(model=str(model), num_inference_steps=4, width=32, height=32, **values)


def draw(engine, strength=None, base=None, prompt="the red boat"):
    engine.admit(job_of(3, prompt, 11, base, strength))
    steps = []
    outcomes = []
    while not outcomes:
        outcomes = engine.advance(lambda progress: steps.append((progress.step, progress.steps)), threading.Event())
    (outcome,) = outcomes
    assert isinstance(outcome, Drawn), outcome
    assert outcome.frame == 3
    assert outcome.picture.mode == "RGB"
    expected = steps_of(engine.facts.sampling, 4, strength)
    assert steps == [(step, expected) for step in range(1, expected + 1)]
    return outcome.picture


@pytest.mark.parametrize("kind", MAKERS)
def test_a_folder_draws_from_noise_and_from_a_base(folder, kind):
    engine = load_engine(options(folder(kind)))
    assert (engine.facts.width, engine.facts.height) == (32, 32)
    first = draw(engine)
    second = draw(engine, 0.6, first)
    assert first.size == second.size == (32, 32)
    assert not np.array_equal(np.asarray(first), np.asarray(second))
    assert np.array_equal(np.asarray(second), np.asarray(draw(engine, 0.6, first)))


@pytest.mark.parametrize("kind", MAKERS)
def test_what_a_plan_reads_is_what_the_loaded_model_has(folder, kind):
    assert read_sampling(locate_model(str(folder(kind))), None) == load_engine(options(folder(kind))).facts.sampling


@pytest.mark.parametrize("kind", ["sd", "sdxl"])
def test_both_pipelines_share_one_set_of_weights(folder, kind):
    pipelines = load_engine(options(folder(kind)))._pipelines
    assert pipelines.text.unet is pipelines.image.unet
    assert pipelines.text.vae is pipelines.image.vae


def test_a_checkpoint_draws_what_its_folder_draws(tmp_path):
    checkpoint = tiny_checkpoint(tmp_path / "tiny.safetensors")
    folder = tiny.tiny_sd(tmp_path / "folder", **tiny.ATTENTIVE)
    engine, expected = load_engine(options(checkpoint)), load_engine(options(folder))
    picture = draw(engine)
    assert picture.tobytes() == draw(expected).tobytes()
    assert draw(engine, 0.6, picture).tobytes() == draw(expected, 0.6, picture).tobytes()
    assert read_sampling(locate_model(str(checkpoint)), None) == engine.facts.sampling


def test_a_checkpoint_whose_tensors_have_no_sides_is_one_sentence(tmp_path):
    known = "model.diffusion_model.output_blocks.11.0.skip_connection.weight"
    names = known, "model.diffusion_model.input_blocks.0.0.weight", "first_stage_model.x", "cond_stage_model.x"
    save_file({name: torch.zeros(0) for name in names}, tmp_path / "odd.safetensors")
    with pytest.raises(ModelError, match=r"'odd.safetensors' is no checkpoint that diffusers knows: tuple index"):
        load_engine(options(tmp_path / "odd.safetensors"))


def test_a_checkpoint_without_a_configuration_says_how_to_get_one(tmp_path):
    checkpoint = tiny_checkpoint(tmp_path / "tiny.safetensors")
    shutil.rmtree(tmp_path / "tiny")
    with pytest.raises(ModelError, match="hf download stable-diffusion-v1-5/stable-diffusion-v1-5 --include"):
        load_engine(options(checkpoint))


def test_a_model_with_a_notice_says_it(folder, tmp_path):
    copy = shutil.copytree(folder("sd"), tmp_path / "noted")
    (copy / "notice.txt").write_text("This model is a stand-in.\n")
    assert "This model is a stand-in." in load_engine(options(copy)).facts.notices


def test_half_precision_files_are_found_unasked(folder, tmp_path):
    copy = shutil.copytree(folder("sd"), tmp_path / "half")
    for weights in copy.rglob("*.safetensors"):
        weights.rename(weights.with_suffix(".fp16.safetensors"))
    assert draw(load_engine(options(copy))).tobytes() == draw(load_engine(options(folder("sd")))).tobytes()


def test_the_models_own_size_is_the_default(folder):
    facts = load_engine(GenerationConfig(model=str(folder("sd3")), num_inference_steps=4, height=16)).facts
    assert (facts.width, facts.height) == (32, 16)


def test_a_scheduler_by_name_keeps_the_models_settings(folder):
    engine = load_engine(options(folder("sd"), scheduler="ddim"))
    assert engine.facts.sampling.scheduler == "DDIM"
    assert engine._pipelines.scheduler.config.beta_end == tiny.SD_BETAS["beta_end"]
    assert engine._pipelines.image.scheduler is engine._pipelines.text.scheduler
    draw(engine)


def test_what_has_no_effect_is_said_once(folder):
    wanted = {"negative_prompt": "fog", "guidance_rescale": 0.2}
    engine = load_engine(options(folder("flux"), **wanted))
    assert sum("has no effect" in notice for notice in engine.facts.notices) == 2
    for option in wanted:
        assert sum(notice.startswith(f"{option} has no effect") for notice in engine.facts.notices) == 1
    draw(engine)
    assert load_engine(options(folder("sdxl"), **wanted)).facts.notices == ()


def test_a_negative_prompt_changes_the_picture(folder, tmp_path):
    schnell = tiny.tiny_flux(tmp_path / "schnell", guidance_embeds=False)
    for model in (folder("sd"), schnell):
        plain, negative = (draw(load_engine(options(model, negative_prompt=text))) for text in (None, "dark fog"))
        assert plain.tobytes() != negative.tobytes()


BAD_OPTIONS = {
    "FlowMatchEulerDiscrete": ("sd", {"scheduler": "FlowMatchEulerDiscrete"}, "doesn't fit StableDiffusionPipeline"),
    "DDIM with Flux": ("flux", {"scheduler": "DDIM"}, "what fits is FlowMatchEulerDiscrete"),
    "Heun with Flux": ("flux", {"scheduler": "FlowMatchHeunDiscrete"}, "doesn't fit FluxPipeline"),
    "no such device": ("sd", {"device": "cuda:7"}, 'device = "cuda:7"'),
    "too few training steps": ("sd", {"scheduler": "LCM", "num_inference_steps": 60}, "can't run 60 steps"),
    "too large": ("sd3", {"width": 128, "height": 32}, "sides of at most 64 pixels"),
    "no such variant": ("sd", {"variant": "fp16"}, "fp16"),
}


@pytest.mark.parametrize("name", BAD_OPTIONS)
def test_an_option_the_model_cannot_follow_is_refused(folder, name):
    kind, values, said = BAD_OPTIONS[name]
    with pytest.raises(ModelError, match=said) as caught:
        load_engine(GenerationConfig(**{**options(folder(kind)).model_dump(), **values}))
    assert "\n" not in str(caught.value)


def hub_cache(home, folder, repo="somebody/tiny", revision="main"):
    """The layout in which huggingface_hub keeps a downloaded model."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    store = home / "hub" / f"models--{repo.replace('/', '--')}"
    (store / "refs").mkdir(parents=True)
    (store / "refs" / revision).write_text(commit)
    shutil.copytree(folder, store / "snapshots" / commit)
    return store / "snapshots" / commit


OFFLINE = """
import json, socket, sys, threading
def touched(*_, **__): raise AssertionError("the network was touched")
if {guarded}: socket.getaddrinfo = socket.create_connection = touched
import torch
torch.set_num_threads(1)
from sframes_tui.engine.models import load_engine
from sframes_tui.engine.protocol import FromNoise, FromPicture, Job, Look
from sframes_tui.errors import ModelError
from sframes_tui.config.config import GenerationConfig
config = GenerationConfig(num_inference_steps=4, **json.loads(sys.argv[1]))
try:
    engine = load_engine(config)
except ModelError as error:
    sys.exit(str(error))
start = FromNoise()
for strength in (None, 0.6):
    engine.admit(Job(0, 11, Look("the red boat"), start))
    while not (outcomes := engine.advance(lambda _: None, threading.Event())): pass
    start = FromPicture(outcomes[0].picture, 0.6)
    start.picture.save(f"{{sys.argv[2]}}/{{strength}}.png")
"""


def offline(home, output, guarded=True, **values):
    environment = {
        **os.environ,
        "HF_HOME": str(home),
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "0" if guarded else "1",
    }
    return subprocess.run(
        [sys.executable, "-c", OFFLINE.format(guarded=guarded), json.dumps(values), str(output)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
        check=False,
    )


def test_a_cached_hub_model_draws_without_the_network_and_in_silence(folder, tmp_path):
    hub_cache(tmp_path / "home", folder("sd"))
    done = offline(tmp_path / "home", tmp_path, model="somebody/tiny")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    first = draw(load_engine(options(folder("sd"))))
    assert Image.open(tmp_path / "None.png").tobytes() == first.tobytes()
    assert Image.open(tmp_path / "0.6.png").size == (32, 32)


@pytest.mark.parametrize("cached", ["nothing", "half of it"])
def test_a_hub_model_that_is_not_there_names_the_built_in_one(folder, tmp_path, cached):
    if cached == "half of it":
        shutil.rmtree(hub_cache(tmp_path / "home", folder("sd")) / "unet")
    done = offline(tmp_path / "home", tmp_path, guarded=False, model="somebody/tiny")
    assert done.returncode == 1
    assert ("the hub can't be reached" if cached == "nothing" else "only a part of it") in done.stderr
    assert 'model = "builtin:picturebook"' in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
