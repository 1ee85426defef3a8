"""What is drawn: plans of different shapes, and the models that draw them."""

from collections.abc import Callable
from pathlib import Path

import torch
from diffusers import AutoencoderTiny, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from sframes_tui.config.config import Config
from sframes_tui.model.sampling import Sampling
from sframes_tui.plan.plan import Plan, make_plan
from sframes_tui.text.split import Chapter, Story

CASES: dict[str, tuple[list[float], int, dict[str, bool]]] = {
    "2 styles interleaved": ([0.9, 0.1], 4, {"interleave": True}),
    "6 mixed interleaved": ([0.8, 0.9, 0.8, 0.1, 0.2, 0.2], 3, {"interleave": True}),
    "6 equal": ([0.6] * 6, 3, {"interleave": False}),
    "24 independent": ([0.5] * 6, 4, {"progressive": False, "interleave": False}),
}
"""Name -> weights of the styles, number of prompts, options."""


def case_config(case: str, model: str, steps: int, **options: object) -> Config:
    """The configuration that draws a case with a model."""
    weights, _, switches = CASES[case]
    words = ("photograph", "charcoal drawing", "watercolor", "oil painting", "line drawing", "cyberpunk")
    return Config.model_validate(
        {
            "prompt_config": {"source": "bench"},
            "generation_config": {"model": model, "num_inference_steps": steps, "seed": 1, **switches, **options},
            "style_configs": [
                {"style": word, "file_tag": word, "weight": weight}
                for word, weight in zip(words, weights, strict=False)
            ],
        }
    )


def case_plan(case: str, config: Config, sampling: Sampling) -> Plan:
    prompts = ("a boat on the sea", "a house in the snow", "a fire at night", "a tree by the river")
    story = Story("bench", (Chapter("", prompts[: CASES[case][1]]),))
    return make_plan(config, story, sampling, 1)


def launch_bound(folder: Path) -> Path:
    """A UNet of 2.2 M parameters at 64 pixels: its calls cost mostly their launch."""
    return _random_model(folder, sample_size=8, channels=(32, 64, 64), layers=2, cross=32)


def compute_bound(folder: Path) -> Path:
    """A UNet of 36 M parameters at 256 pixels: its calls cost arithmetic."""
    return _random_model(folder, sample_size=32, channels=(160, 320, 320), layers=1, cross=128)


MODELS: dict[str, Callable[[Path], Path] | None] = {
    "built-in": None,
    "launch-bound": launch_bound,
    "compute-bound": compute_bound,
}
"""Name -> what builds the model's folder; None for the model that ships."""


def _random_model(folder: Path, sample_size: int, channels: tuple[int, ...], layers: int, cross: int) -> Path:
    """A Stable Diffusion pipeline of random weights, made through diffusers' own classes."""
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=sample_size,
        block_out_channels=channels,
        layers_per_block=layers,
        down_block_types=("CrossAttnDownBlock2D",) * (len(channels) - 1) + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * (len(channels) - 1),
        cross_attention_dim=cross,
        attention_head_dim=cross // 4,
    )
    text = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=1000,
            hidden_size=cross,
            intermediate_size=2 * cross,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=77,
            projection_dim=cross,
        )
    )
    pipeline = StableDiffusionPipeline(
        vae=AutoencoderTiny(),
        text_encoder=text,
        tokenizer=letters(),
        unet=unet,
        scheduler=DDIMScheduler(
            beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, steps_offset=1, clip_sample=False
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


def letters() -> CLIPTokenizer:
    """A tokenizer that knows letters."""
    signs = ["<|startoftext|>", "<|endoftext|>", *"abcdefghijklmnopqrstuvwxyz"]
    vocabulary = {sign: number for number, sign in enumerate([*signs, *(f"{sign}</w>" for sign in signs[2:])])}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="<|endoftext|>", end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return CLIPTokenizer(tokenizer_object=tokenizer, vocab=vocabulary, merges=[], model_max_length=77)
