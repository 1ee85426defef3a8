"""Models of real shapes with random weights, made on the device itself: no file, no network. Owns their settings.

The settings are those of the models' own `config.json` files; `tests/bench/test_gpu.py` holds that the numbers of
parameters are theirs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    EulerDiscreteScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from torch.utils.flop_counter import FlopCounterMode
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from bench.cases import letters
from sframes_tui.engine.pipelines import Pipeline

BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}
TOKENS = 77


@dataclass(frozen=True)
class Shape:
    """The sizes of one model's parts."""

    name: str
    unet: Mapping[str, Any]
    vae: Mapping[str, Any]
    texts: tuple[Mapping[str, Any], ...]
    """Of one text encoder, or of Stable Diffusion XL's two."""
    steps: int
    """Denoising steps of a picture from noise, as the bench draws it."""

    @property
    def xl(self) -> bool:
        return len(self.texts) > 1

    @property
    def latent(self) -> tuple[int, int, int]:
        """(channels, height, width)."""
        side: int = self.unet["sample_size"]
        return 4, side, side

    def make_unet(self) -> UNet2DConditionModel:
        return UNet2DConditionModel(**self.unet)

    def unet_arguments(self, rows: int, device: torch.device | str, dtype: torch.dtype) -> dict[str, Any]:
        """What a guided call of so many rows takes: twice as many in the batch."""
        batch = 2 * rows
        given: dict[str, Any] = {
            "sample": torch.randn((batch, *self.latent), device=device, dtype=dtype),
            "timestep": torch.full((batch,), 500, device=device),
            "encoder_hidden_states": torch.randn(
                (batch, TOKENS, self.unet["cross_attention_dim"]), device=device, dtype=dtype
            ),
            "return_dict": False,
        }
        if self.xl:
            width = self.texts[1]["projection_dim"]
            texts, ids = torch.randn((batch, width), device=device, dtype=dtype), torch.ones((batch, 6), device=device)
            given["added_cond_kwargs"] = {"text_embeds": texts, "time_ids": ids.to(dtype)}
        return given


def _text(width: int, layers: int, heads: int, act: str = "quick_gelu", words: int = 49408) -> dict[str, Any]:
    return {
        "vocab_size": words,
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "hidden_act": act,
        "projection_dim": width,
        "max_position_embeddings": TOKENS,
        "bos_token_id": 0,
        "eos_token_id": 1,
    }


def _vae(side: int, channels: tuple[int, ...], **extra: object) -> dict[str, Any]:
    return {
        "block_out_channels": channels,
        "down_block_types": ("DownEncoderBlock2D",) * len(channels),
        "up_block_types": ("UpDecoderBlock2D",) * len(channels),
        "sample_size": side,
        **extra,
    }


_CROSS = ("CrossAttnDownBlock2D", "CrossAttnUpBlock2D")
_VAE_CHANNELS = (128, 256, 512, 512)

SD15 = Shape(
    "Stable Diffusion 1.5",
    unet={"sample_size": 64, "cross_attention_dim": 768, "attention_head_dim": 8},
    vae=_vae(512, _VAE_CHANNELS, layers_per_block=2, scaling_factor=0.18215),
    texts=(_text(768, 12, 12),),
    steps=20,
)
SDXL = Shape(
    "Stable Diffusion XL",
    unet={
        "sample_size": 128,
        "block_out_channels": (320, 640, 1280),
        "down_block_types": ("DownBlock2D", _CROSS[0], _CROSS[0]),
        "up_block_types": (_CROSS[1], _CROSS[1], "UpBlock2D"),
        "transformer_layers_per_block": (1, 2, 10),
        "attention_head_dim": (5, 10, 20),
        "cross_attention_dim": 2048,
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816,
    },
    vae=_vae(1024, _VAE_CHANNELS, layers_per_block=2, scaling_factor=0.13025, force_upcast=True),
    texts=(_text(768, 12, 12), _text(1280, 32, 20, "gelu")),
    steps=10,
)

_TINY_UNET = {
    "sample_size": 16,
    "block_out_channels": (8,),
    "down_block_types": ("DownBlock2D",),
    "up_block_types": ("UpBlock2D",),
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "attention_head_dim": 4,
    "cross_attention_dim": 32,
}
_TINY_VAE = _vae(32, (8, 8), layers_per_block=1, norm_num_groups=4)
TINY_SD = Shape("tiny Stable Diffusion", _TINY_UNET, _TINY_VAE, (_text(32, 2, 4, words=64),), steps=4)
TINY_XL = Shape(
    "tiny Stable Diffusion XL",
    _TINY_UNET
    | {
        "cross_attention_dim": 64,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": 6 * 8 + 32,
    },
    _TINY_VAE | {"force_upcast": True},
    (_text(32, 2, 4, words=64), _text(32, 2, 4, "gelu", words=64)),
    steps=4,
)


def make_pipeline(shape: Shape, device: torch.device) -> Pipeline:
    """A float32 pipeline on the device; the same weights each time on the same kind of device."""
    torch.manual_seed(0)
    with torch.device(device):
        unet, vae = shape.make_unet(), AutoencoderKL(**shape.vae)
        classes = (CLIPTextModel, CLIPTextModelWithProjection)
        texts = [kind(CLIPTextConfig(**each)) for kind, each in zip(classes, shape.texts, strict=False)]
    for part in (unet, vae, *texts):
        part.requires_grad_(False).eval()
    _speak_up(unet, shape, device)
    parts = {"unet": unet, "vae": vae, "text_encoder": texts[0], "tokenizer": letters()}
    if shape.xl:
        scheduler = EulerDiscreteScheduler(**BETAS)
        second = {"text_encoder_2": texts[1], "tokenizer_2": letters()}
        return StableDiffusionXLPipeline(**parts, **second, scheduler=scheduler, add_watermarker=False)
    scheduler = DDIMScheduler(**BETAS, clip_sample=False, set_alpha_to_one=False)
    nothing = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    return StableDiffusionPipeline(**parts, **nothing, scheduler=scheduler)


@torch.no_grad()
def _speak_up(unet: UNet2DConditionModel, shape: Shape, device: torch.device) -> None:
    """Makes the output as large as the noise that it stands for: what goes wrong in it then shows in pictures."""
    output = unet(**shape.unet_arguments(1, device, torch.float32))[0]
    for each in (unet.conv_out.weight, unet.conv_out.bias):
        each.div_(output.std())


@cache
def _on_meta(name: str) -> tuple[int, int]:
    shape = next(each for each in (SD15, SDXL, TINY_SD, TINY_XL) if each.name == name)
    with torch.device("meta"):
        unet = shape.make_unet()
        with FlopCounterMode(display=False) as counter:
            unet(**shape.unet_arguments(1, "meta", torch.float32))
    return sum(each.numel() for each in unet.parameters()), counter.get_total_flops()


def unet_parameters(shape: Shape) -> int:
    return _on_meta(shape.name)[0]


def row_flops(shape: Shape) -> int:
    """Floating-point operations of one guided row's step: two of the batch; a multiplication and an addition are two.

    Counted on a device without memory, where attention is two products of matrices.
    """
    return _on_meta(shape.name)[1]
