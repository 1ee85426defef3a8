"""Model folders from strangers: nothing of them runs, and nothing of them uses up the machine."""

import json
import resource
import shutil
import struct

import pytest

from sframes_tui.engine.models import load_engine
from sframes_tui.errors import ModelError
from sframes_tui.story.config import GenerationConfig
from tests.engine import tiny

GIGABYTE = 2**30


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return tiny.tiny_sd(tmp_path_factory.mktemp("sd"))


@pytest.fixture
def folder(original, tmp_path):
    return shutil.copytree(original, tmp_path / "model")


def change(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def refuse(folder, said):
    with pytest.raises(ModelError, match=said) as caught:
        load_engine(GenerationConfig(model=str(folder), num_inference_steps=1))
    assert "\n" not in str(caught.value)


def test_code_in_a_folder_is_refused(folder):
    (folder / "unet" / "evil.py").write_text("raise SystemExit('it ran')")
    refuse(folder, r"holds code \(unet/evil.py\)")


@pytest.mark.parametrize(
    "part",
    [
        ["subprocess", "Popen"],
        ["os", "system"],
        ["pipeline", "Evil"],
        ["builtins", "eval"],
        ["diffusers", "__import__"],
        ["transformers", "os"],
        ["diffusers.utils", "logging"],
        ["../../evil", "Evil"],
    ],
)
def test_classes_of_other_libraries_are_refused(folder, part):
    change(folder / "model_index.json", unet=part)
    refuse(folder, "code that comes with a model is not run|installed version of \\w+ doesn't have")


@pytest.mark.parametrize("name", ["../../escape", "/etc", "a/b"])
def test_parts_outside_the_folder_are_refused(folder, name):
    change(folder / "model_index.json", **{name: ["diffusers", "UNet2DConditionModel"]})
    refuse(folder, "is missing; the model is not complete")


@pytest.mark.parametrize(
    ("pipeline", "said"),
    [
        (["evil", "EvilPipeline"], "no text-to-image pipeline"),
        ("StableVideoDiffusionPipeline", "no text-to-image pipeline"),
        ("StableDiffusionControlNetPipeline", "needs a control picture"),
    ],
)
def test_pipelines_that_do_not_draw_from_text_are_refused(folder, pipeline, said):
    change(folder / "model_index.json", _class_name=pipeline)
    refuse(folder, said)


def test_pickled_weights_are_refused(folder):
    (weights,) = (folder / "unet").glob("*.safetensors")
    weights.rename(weights.with_suffix(".bin"))
    refuse(folder, "unet has its weights only as pickles, which can run code")


def test_missing_weights_are_told(folder):
    next((folder / "vae").glob("*.safetensors")).unlink()
    refuse(folder, r"vae has no weights \(\*.safetensors\)")


def test_a_missing_shard_is_told(folder):
    index = {"weight_map": {"a": "../../../etc/passwd", "b": "part-2.safetensors"}}
    (folder / "unet" / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
    refuse(folder, "is missing; the model is not complete")


@pytest.mark.parametrize("damage", ["half", "empty", "header"])
def test_damaged_weights_are_told(folder, damage):
    (weights,) = (folder / "unet").glob("*.safetensors")
    content = weights.read_bytes()
    damaged = {"half": content[: len(content) // 2], "empty": b"", "header": struct.pack("<Q", 2**62) + content[8:]}
    weights.write_bytes(damaged[damage])
    refuse(folder, "damaged or was not downloaded to its end")


BOMBS = {
    "wide": ("unet", {"block_out_channels": [200_000, 200_000]}),
    "wider": ("unet", {"block_out_channels": [2**40, 2**40]}),
    "deep": ("unet", {"layers_per_block": 10**9}),
    "deep list": ("unet", {"transformer_layers_per_block": [[10**7] * 4] * 4}),
    "long list": ("unet", {"down_block_types": ["DownBlock2D"] * 100_000}),
    "vocabulary": ("text_encoder", {"vocab_size": 2**20, "hidden_size": 2**15}),
    "layers": ("text_encoder", {"num_hidden_layers": 10**8}),
    "latents": ("vae", {"latent_channels": 10**6}),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_configuration_that_asks_for_too_much_is_refused(folder, name):
    part, values = BOMBS[name]
    change(folder / part / "config.json", **values)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refuse(folder, "which no model has|made to use up memory")
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < GIGABYTE / 4


def test_a_special_file_is_refused(folder):
    import os

    os.mkfifo(folder / "pipe")
    refuse(folder, "pipe is not a plain file")


def test_whatever_else_is_wrong_is_still_one_sentence(folder):
    change(folder / "unet" / "config.json", down_block_types=["NoSuchBlock", "DownBlock2D"])
    refuse(folder, "can't be loaded")
