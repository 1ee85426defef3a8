"""Files that are no model are called what they are."""

import os

import numpy as np
import pytest
from safetensors.numpy import save_file
from safetensors.torch import save_model

from sframes_tui.errors import ModelError
from sframes_tui.model.source import locate_model
from sframes_tui.model.weight_kind import WANTED, why_not_a_model
from tests.engine import tiny
from tests.engine.loading.single_file import tiny_checkpoint

BLOCK = "down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"
DOTTED = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"

NAMES = {
    "kohya": ("a LoRA", [f"lora_unet_{BLOCK}.lora_down.weight", f"lora_unet_{BLOCK}.alpha"]),
    "kohya, text encoder": ("a LoRA", ["lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_up.weight"]),
    "peft": ("a LoRA", [f"base_model.model.{DOTTED}.lora_A.weight", f"base_model.model.{DOTTED}.lora_B.weight"]),
    "diffusers": ("a LoRA", [f"unet.{DOTTED}.lora.down.weight", f"unet.{DOTTED}.lora.up.weight"]),
    "diffusers, old": ("a LoRA", ["down_blocks.0.attentions.0.attn1.processor.to_q_lora.down.weight"]),
    "Flux": ("a LoRA", ["transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight"]),
    "LoHa": ("a LoRA", [f"lora_unet_{BLOCK}.hada_w1_a", f"lora_unet_{BLOCK}.hada_w2_b"]),
    "LoKr": ("a LoRA", [f"lycoris_{BLOCK}.lokr_w1", f"lycoris_{BLOCK}.lokr_w2"]),
    "DoRA": ("a LoRA", [f"{DOTTED}.dora_scale"]),
    "ControlNet": ("a ControlNet", ["control_model.input_blocks.0.0.weight", "control_model.zero_convs.0.0.weight"]),
    "ControlNet of diffusers": ("a ControlNet", ["controlnet_cond_embedding.conv_in.weight", f"{DOTTED}.weight"]),
    "IP-Adapter": ("an IP-Adapter", ["image_proj.proj.weight", "ip_adapter.1.to_k_ip.weight"]),
    "motion module": ("a motion module", ["down_blocks.0.motion_modules.0.temporal_transformer.norm.weight"]),
    "upscaler": ("an upscaler", ["body.0.rdb1.conv1.weight", "conv_first.weight"]),
    "CLIP's eyes": ("an image encoder", ["vision_model.embeddings.class_embedding"]),
    "T5": ("a text encoder alone", ["encoder.block.0.layer.0.SelfAttention.k.weight", "shared.weight"]),
    "a language model": (
        "a text encoder alone",
        ["model.embed_tokens.weight", "model.layers.0.self_attn.q_proj.weight"],
    ),
    "UNet, original names": ("a UNet or transformer alone", ["model.diffusion_model.input_blocks.0.0.weight"]),
    "Flux, original names": ("a UNet or transformer alone", ["double_blocks.0.img_attn.proj.weight"]),
    "VAE, original names": ("a VAE alone", ["first_stage_model.decoder.conv_in.weight"]),
    "embedding": ("a textual inversion", ["emb_params"]),
    "embedding of XL": ("a textual inversion", ["clip_l", "clip_g"]),
    "embedding of diffusers": ("a textual inversion", ["<cat-toy>"]),
}


def refused(path, what):
    with pytest.raises(ModelError) as caught:
        locate_model(str(path))
    said = str(caught.value)
    assert said.startswith(f"model {str(path)!r}: this is {what}")
    assert said.endswith(WANTED)
    assert "\n" not in said
    assert "tokenizer" not in said


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_model_is_called_what_it_is(tmp_path, name):
    what, tensors = NAMES[name]
    save_file({each: np.zeros((2, 8), np.float32) for each in tensors}, tmp_path / "file.safetensors")
    refused(tmp_path / "file.safetensors", what)


@pytest.fixture(scope="module")
def pipe():
    return tiny.sd_pipeline()


@pytest.mark.parametrize(
    ("part", "what"),
    [("vae", "a VAE alone"), ("unet", "a UNet or transformer alone"), ("text_encoder", "a text encoder alone")],
)
def test_the_parts_of_a_real_model_too(pipe, tmp_path, part, what):
    save_model(getattr(pipe, part), str(tmp_path / "part.safetensors"))
    refused(tmp_path / "part.safetensors", what)


def test_a_folder_that_holds_a_lora_says_so(tmp_path):
    save_file({NAMES["kohya"][1][0]: np.zeros((2, 8))}, tmp_path / "pytorch_lora_weights.safetensors")
    with pytest.raises(
        ModelError, match=r"no model_index.json, .*of its pytorch_lora_weights.safetensors: this is a LoRA"
    ):
        locate_model(str(tmp_path))


def test_a_whole_checkpoint_is_a_model(tmp_path):
    checkpoint = tiny_checkpoint(tmp_path / "tiny.safetensors")
    assert locate_model(str(checkpoint)).kind == "checkpoint"


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00" * 4, b"\xff" * 64, (10).to_bytes(8, "little") + b"[" * 10, (2).to_bytes(8, "little") + b"[]"],
)
def test_what_cannot_be_read_is_left_to_its_loader(tmp_path, content):
    (tmp_path / "x.safetensors").write_bytes(content)
    assert why_not_a_model(tmp_path / "x.safetensors") is None


def test_no_more_than_the_header_is_read(tmp_path):
    path = tmp_path / "large.safetensors"
    path.write_bytes((2**40).to_bytes(8, "little") + b"{}")
    assert why_not_a_model(path) is None


def test_a_pipe_in_the_place_of_weights_hangs_nobody(tmp_path):
    os.mkfifo(tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=r"has no model_index.json"):
        locate_model(str(tmp_path))
