"""Model folders from strangers: nothing of them runs, and nothing of them uses up the machine."""

import json
import math
import resource
import shutil
import struct
import subprocess
import sys

import pytest

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.models import load_engine
from sframes_tui.errors import ModelError
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


def refuse(folder, said, **options):
    with pytest.raises(ModelError, match=said) as caught:
        load_engine(GenerationConfig(model=str(folder), num_inference_steps=1, **options))
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


SETTINGS = {
    "a kernel of the hub": ("text_encoder/config.json", {"attn_implementation": "evil/kernel"}),
    "flash attention, fetched": ("text_encoder/config.json", {"_attn_implementation": "flash_attention_2"}),
    "experts": ("text_encoder/config.json", {"text_config": {"experts_implementation": "evil/kernel"}}),
    "code of the model": ("text_encoder/config.json", {"auto_map": {"AutoModel": "evil/repo--evil.Evil"}}),
    "kernels for all": ("text_encoder/config.json", {"use_kernels": True}),
    "quantization": ("unet/config.json", {"quantization_config": {"quant_method": "mxfp4"}}),
    "other weights": ("text_encoder/config.json", {"transformers_weights": "../evil.safetensors"}),
    "another configuration": ("text_encoder/config.json", {"configuration_files": ["config.99.json"]}),
    "timm": ("text_encoder/config.json", {"vision_config": {"model_type": "timm_wrapper"}}),
    "a repository": ("text_encoder/config.json", {"vision_config": {"architecture": "hf-hub:evil/model"}}),
    "another tokenizer": ("tokenizer/tokenizer_config.json", {"fast_tokenizer_files": ["../../tokenizer.json"]}),
    "gguf": ("tokenizer/tokenizer_config.json", {"gguf_file": "../../evil.gguf"}),
    "a file elsewhere": ("tokenizer/tokenizer_config.json", {"spm_file": "/etc/passwd"}),
    "a custom pipeline": ("model_index.json", {"custom_pipeline": "evil/repo"}),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_make_a_library_fetch_or_run_something_are_refused(folder, name):
    file, values = SETTINGS[name]
    change(folder / file, **values)
    refuse(folder, rf"{file} has \w+ = .*, which can make a library fetch or run something; take that key out")


def test_settings_of_honest_models_are_left_alone(folder):
    change(
        folder / "text_encoder" / "config.json",
        _attn_implementation_autoset=True,
        attn_implementation="sdpa",
        quantization_config=None,
        _name_or_path="openai/clip-vit-large-patch14",
        torch_dtype="float16",
    )
    change(
        folder / "tokenizer" / "tokenizer_config.json",
        tokenizer_file="/root/.cache/huggingface/tokenizer.json",
        special_tokens_map_file="./special_tokens_map.json",
        model_max_length=10**30,
    )
    change(folder / "scheduler" / "scheduler_config.json", lambda_min_clipped=-math.inf)
    change(folder / "unet" / "config.json", _name_or_path="../sdxl-unet/", optimization_step=3_000_000)
    load_engine(GenerationConfig(model=str(folder), num_inference_steps=1)).close()


@pytest.mark.parametrize("options", [{}, {"scheduler": "Euler a"}, {"sigmas": "karras"}])
def test_the_schedulers_numbers_are_bounded_too(folder, options):
    change(folder / "scheduler" / "scheduler_config.json", num_train_timesteps=10**9)
    said = "scheduler/scheduler_config.json asks for num_train_timesteps = 1000000000, which no model has"
    refuse(folder, said, **options)


@pytest.mark.parametrize("value", [[[1]], "64", {"a": 1}, [[]]])
def test_what_is_no_number_where_one_belongs_is_named(folder, value):
    change(folder / "unet" / "config.json", sample_size=value)
    refuse(folder, r"unet/config.json has sample_size = .*, which is no number")


def test_a_part_that_is_a_pipeline_of_its_own_is_refused(folder):
    change(folder / "model_index.json", unet=["diffusers", "DiffusionPipeline"])
    refuse(folder, "its unet is diffusers.DiffusionPipeline, which is no model, tokenizer or scheduler")


@pytest.mark.parametrize("part", [["transformers", "AutoTokenizer"], ["diffusers", "AutoModel"]])
def test_a_class_that_only_finds_another_is_refused(folder, part):
    change(folder / "model_index.json", tokenizer=part)
    refuse(folder, "which is no model, tokenizer or scheduler")


@pytest.mark.parametrize("size", [-8, 2**14])
def test_pictures_without_measure_are_no_models_own(folder, size):
    change(folder / "unet" / "config.json", sample_size=size)
    refuse(folder, "pixels")


def test_a_window_that_fills_the_memory_is_refused(folder):
    change(folder / "tokenizer" / "tokenizer_config.json", model_max_length=2**20)
    refuse(folder, "tokenizer_config.json asks for model_max_length = 1048576, which no model has")


def test_added_tokens_without_number_are_refused(folder):
    (folder / "tokenizer" / "added_tokens.json").write_text(json.dumps({f"<{each}>": 1 for each in range(30_000)}))
    refuse(folder, "tokenizer/added_tokens.json asks for entries of added_tokens = 30000, which no model has")


CARDS = {
    "a folder": ("prior:\n- ./evil", "prior = './evil', which is no model of the hub"),
    "no list": ("prior: evil/model", "prior = None, which is no model of the hub"),
    "not here": ("prior:\n- evil/model", "needs evil/model too, which isn't on this machine; `hf download evil/model`"),
    "code": ("prior: !!python/object/apply:os.system ['false']", "README.md can't be read"),
    "aliases": ("a: &a [x, x]\nprior: [*a, *a]", "README.md can't be read: it has YAML's aliases"),
}


@pytest.mark.parametrize("name", CARDS)
def test_a_model_card_leads_to_no_models_but_the_hubs(folder, name):
    card, said = CARDS[name]
    change(folder / "model_index.json", _class_name="KandinskyV22CombinedPipeline")
    (folder / "README.md").write_text(f"\n---\n{card}\n---\n")
    refuse(folder, said)


def test_an_adapter_that_names_another_model_is_refused(folder):
    (folder / "text_encoder" / "adapter_config.json").write_text('{"base_model_name_or_path": "evil/model"}')
    refuse(folder, "text_encoder/adapter_config.json names another model's weights")


def test_a_notice_is_shown_harmlessly_and_never_read_through_a_link(folder, tmp_path):
    (folder / "notice.txt").write_text("drawn by \x1b[31mme")
    engine = load_engine(GenerationConfig(model=str(folder), num_inference_steps=1))
    assert "drawn by ␛[31mme" in engine.facts.notices
    engine.close()
    (tmp_path / "secret").write_text("secret")
    (folder / "notice.txt").unlink()
    (folder / "notice.txt").symlink_to(tmp_path / "secret")
    refuse(folder, "notice.txt is a link, which could lead elsewhere")


def test_a_special_file_is_refused(folder):
    import os

    os.mkfifo(folder / "pipe")
    refuse(folder, "pipe is not a plain file")


def test_whatever_else_is_wrong_is_still_one_sentence(folder):
    change(folder / "unet" / "config.json", down_block_types=["NoSuchBlock", "DownBlock2D"])
    refuse(folder, "can't be loaded")


WATCHED = """
import os, sys
from sframes_tui.engine.models import load_engine
from sframes_tui.config.config import GenerationConfig

def watch(event, arguments):
    if event == "open" and not isinstance(arguments[0], int):
        path = os.path.realpath(str(arguments[0]))
        inside = path.startswith((model, sys.prefix, sys.base_prefix, "/proc/", "/sys/", "/usr/", "/etc/", "/dev/"))
        if not inside or arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            seen.append((event, path))
    elif event in ("socket.connect", "socket.getaddrinfo", "os.rename", "os.remove", "os.mkdir", "os.symlink"):
        seen.append((event, arguments))
    elif event in ("subprocess.Popen", "os.system", "os.exec") and arguments[0] not in ("uname", "/sbin/ldconfig"):
        seen.append((event, arguments))

load_engine(GenerationConfig(model=sys.argv[1], num_inference_steps=1)).close()  # imports, which write caches
model, seen = os.path.realpath(sys.argv[2]), []
sys.addaudithook(watch)
load_engine(GenerationConfig(model=sys.argv[2], num_inference_steps=1)).close()
print(seen)
"""


def test_loading_a_model_opens_its_own_files_and_connects_to_nothing(original, folder):
    command = [sys.executable, "-c", WATCHED, str(original), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stdout + done.stderr
